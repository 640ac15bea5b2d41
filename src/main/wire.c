/* SPDX-License-Identifier: Apache-2.0 */
/* wire: puts the program together, starts it and takes it apart. */
#include "main/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "aws/gate.h"
#include "base/json.h"
#include "base/limits.h"
#include "main/outside.h"
#include "main/users.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/diag.h"
#include "os/file.h"
#include "os/thread.h"

#define CONNECTIONS_MAX 8192 /* of each port: 1,000 tablets, and a viewer for each */
#define KEY_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#define SECRET_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define FUNCTION_KEY_MS (12LL * 3600 * 1000)
#define STOP_GRACE_MS 5000
#define SQL_NICE 5       /* a query never delays a tablet */
#define LAKE_CHILDREN 2  /* fresh samples, and the merging of older ones */
#define LAKE_MEMORY (512 * MIB)
#define WAITING_THREADS 512 /* requests that wait for a message or a body at the same time */
#define BULK_THREADS 16     /* batches of records: as many as share a sync */

static const char *path(struct wire *w, const char *name)
{
	return arena_printf(&w->arena, "%s/%s", w->config->data, name);
}

static int make_dir(struct wire *w, const char *name, const char **ret, struct err *e)
{
	*ret = path(w, name);
	return file_mkdirs(*ret, 0700, e);
}

/* One server per data folder. */
static int lock_data(struct wire *w, struct err *e)
{
	const char *name = path(w, "lock");
	int r = file_mkdirs(w->config->data, 0700, e);

	if (r < 0)
		return r;
	w->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (w->lock_fd < 0)
		return err_sys(e, ERR_IO, "%s", name);
	if (flock(w->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, ERR_BUSY, "%s is in use by another mulgil", w->config->data);
	return 0;
}

/* --- keys --- */

static int read_root_key(const char *file, char access_key[129], char secret[129], struct err *e)
{
	struct arena a;
	struct view text, k, s;
	const struct json *doc;
	int r;

	arena_init(&a, MIB);
	r = file_read(file, &a, 4096, &text, e);
	if (r == 0) {
		doc = json_parse(&a, text, 4, e);
		k = json_get_str(doc, "access_key_id");
		s = json_get_str(doc, "secret_access_key");
		if (!doc)
			r = err_ctx(e, "%s", file);
		else if (!k.n || k.n > 128 || !s.n || s.n > 128)
			r = err_set(e, ERR_CORRUPT, "%s: access_key_id and secret_access_key are expected", file);
		else
			snprintf(access_key, 129, "%.*s", VIEW_ARG(k)), snprintf(secret, 129, "%.*s", VIEW_ARG(s));
	}
	arena_clear(&a);
	return r;
}

static int make_root_key(const char *file, char access_key[129], char secret[129], struct err *e)
{
	char text[512];
	int n;

	memcpy(access_key, "AKIA", 4);
	random_text(access_key + 4, 16, KEY_CHARS);
	random_text(secret, 40, SECRET_CHARS);
	n = snprintf(text, sizeof(text), "{\"access_key_id\": \"%s\", \"secret_access_key\": \"%s\"}\n", access_key, secret);
	n = file_replace(file, view_of(text, (size_t)n), 0600, e);
	crypto_wipe(text, sizeof(text));
	return n;
}

int wire_root_key(const char *data, bool make, char access_key[129], char secret[129], struct err *e)
{
	const char *k = getenv("MULGIL_ROOT_ACCESS_KEY_ID"), *s = getenv("MULGIL_ROOT_SECRET_ACCESS_KEY");
	char file[4096];

	if (k || s) {
		if (!k || !s || strlen(k) < 16 || strlen(k) > 128 || strlen(s) < 16 || strlen(s) > 128)
			return err_set(e, ERR_INVALID, "MULGIL_ROOT_ACCESS_KEY_ID and MULGIL_ROOT_SECRET_ACCESS_KEY: both, 16 to "
						       "128 characters each, or neither");
		snprintf(access_key, 129, "%s", k);
		snprintf(secret, 129, "%s", s);
		return 0;
	}
	if ((size_t)snprintf(file, sizeof(file), "%s/root-key.json", data) >= sizeof(file))
		return err_set(e, ERR_LIMIT, "the data folder's path is too long");
	if (file_exists(file) || !make)
		return read_root_key(file, access_key, secret, e);
	return make_root_key(file, access_key, secret, e);
}

static bool sign_in(void *arg, const char *access_key, const char *secret)
{
	struct wire *w = arg;
	uint8_t given[2][DIGEST_MAX], right[2][DIGEST_MAX];
	bool both;

	/* Digests, so that lengths tell nothing. */
	digest_once(DIGEST_SHA256, view_str(access_key), given[0]);
	digest_once(DIGEST_SHA256, view_str(secret), given[1]);
	digest_once(DIGEST_SHA256, view_str(w->root_access_key), right[0]);
	digest_once(DIGEST_SHA256, view_str(w->root_secret), right[1]);
	both = crypto_equal(given[0], right[0], 32);
	both &= crypto_equal(given[1], right[1], 32);
	return both;
}

/* --- functions' children --- */

static const char *fn_endpoint(void *arg)
{
	return ((struct wire *)arg)->endpoint;
}

static void fn_session(void *arg, const struct fn_spec *f, struct fn_session *ret)
{
	struct wire *w = arg;
	struct session_key k;
	char arn[512];

	snprintf(arn, sizeof(arn), "arn:aws:sts::%s:assumed-role/mulgil-function/%s", w->config->account, f->name);
	credentials_session(w->credentials, arn, FUNCTION_KEY_MS, &k);
	snprintf(ret->access_key, sizeof(ret->access_key), "%s", k.access_key);
	snprintf(ret->secret, sizeof(ret->secret), "%s", k.secret);
	snprintf(ret->token, sizeof(ret->token), "%s", k.token);
	crypto_wipe(&k, sizeof(k));
}

static void fn_log(void *arg, const char *function, const char *stream, int64_t at_ms, struct view line)
{
	struct wire *w = arg;
	char group[160];

	snprintf(group, sizeof(group), "/aws/lambda/%s", function);
	logs_port(w->logs)->write(logs_port(w->logs)->self, group, stream, at_ms, line);
}

/* --- making --- */

static int open_stores(struct wire *w, struct err *e)
{
	const struct config *c = w->config;
	const char *scratch, *lake_scratch, *function_tmp;
	struct err quiet = { 0 };
	int r = meta_open_sqlite(path(w, "meta"), &w->meta, e);

	if (r == 0)
		r = blob_open_files(path(w, "objects"), &w->objects, e);
	if (r == 0)
		r = blob_open_files(path(w, "code"), &w->code, e);
	if (r == 0)
		r = make_dir(w, "sql-scratch", &scratch, e);
	if (r == 0)
		r = sql_open_pool(&(struct sql_pool_opts){ .scratch = scratch, .children = (unsigned)c->sql_children,
							   .memory_bytes = (uint64_t)c->sql_memory_mb * MIB, .nice = SQL_NICE },
				  &w->sql, e);
	if (r == 0)
		r = jq_open(&(struct jq_opts){ .program = NULL }, &w->jq, e);
	if (r == 0)
		r = make_dir(w, "lake-scratch", &lake_scratch, e);
	if (r == 0)
		r = sql_open_pool(&(struct sql_pool_opts){ .scratch = lake_scratch, .children = LAKE_CHILDREN, .threads = 1,
							   .memory_bytes = LAKE_MEMORY },
				  &w->lake_sql, e);
	if (file_remove_tree(path(w, "functions-tmp"), &quiet) < 0)
		diag(DIAG_WARN, "functions", "%s", quiet.msg);
	if (r == 0)
		r = make_dir(w, "functions-tmp", &function_tmp, e);
	if (r == 0)
		r = fn_process_new(&(struct fn_opts){ .tmp_dir = function_tmp,
						      .shared_dir = strcmp(c->function_dir, "off") == 0 ? NULL : c->function_dir,
						       .children_max = (unsigned)c->function_children, .region = c->region,
						      .endpoint = fn_endpoint, .session = fn_session, .log = fn_log, .arg = w },
				   &w->fn, e);
	return r;
}

static int make_collecting(struct wire *w, struct err *e)
{
	const struct config *c = w->config;
	const char *staging = NULL;
	bool made = strcmp(c->master_key, "auto") == 0;
	int r = logs_new(w->meta, c->region, c->account, &w->logs, e);

	if (r == 0)
		r = events_new(&(struct events_opts){ w->meta, c->region, c->account }, &w->events, e);
	if (r < 0)
		return r;
	r = sqs_new(&(struct sqs_opts){ .meta = w->meta, .region = c->region, .account = c->account }, &w->sqs, e);
	if (r == 0)
		r = make_dir(w, "objects/staging-firehose", &staging, e);
	if (r < 0)
		return r;
	w->events_port = events_port(w->events);
	w->s3 = s3_new(&(struct s3_opts){ .meta = w->meta, .blob = w->objects, .events = w->events_port, .region = c->region,
					  .account = c->account, .master_key = made ? path(w, "master.key") : c->master_key,
					  .master_key_made = made, .encrypt_all = strcmp(c->encryption, "AES256") == 0,
					  .open_buckets = strcmp(c->public_access_block, "off") == 0,
					  .lifecycle_every_s = c->lifecycle_interval_s, .lifecycle_day_s = c->lifecycle_day_s,
					  .scrub_every_s = c->scrub_every_s });
	w->s3_port = s3_port(w->s3);
	w->firehose = firehose_new(&(struct firehose_opts){ .meta = w->meta, .blob = w->objects, .s3 = w->s3_port,
							    .dir = path(w, "log"), .region = c->region, .account = c->account,
							    .kinesis = &w->kinesis_port, .glue = &w->glue_port, .sql = w->lake_sql, .jq = w->jq, .staging = staging,
							    .logs = logs_port(w->logs),
							    .log_bytes_max = (uint64_t)c->log_max_mb * MIB,
							    .log_keep_ms = c->log_keep_h * 3600 * 1000,
							    .log_keep_bytes = (uint64_t)c->log_keep_mb * MIB });
	w->firehose_port = firehose_port(w->firehose);
	r = kinesis_new(&(struct kinesis_opts){ .meta = w->meta, .firehose = &w->firehose_port, .dir = path(w, "kinesis"),
						.region = c->region, .account = c->account, .log_bytes_max = (uint64_t)c->log_max_mb * MIB },
			&w->kinesis, e);
	if (r == 0)
		w->kinesis_port = kinesis_port(w->kinesis);
	return r;
}

static int make_processing(struct wire *w, struct err *e)
{
	const struct config *c = w->config;
	const char *glue_staging = NULL, *athena_staging = NULL, *measure_staging = NULL;
	int r = make_dir(w, "objects/staging-glue", &glue_staging, e);

	if (r == 0)
		r = make_dir(w, "objects/staging-athena", &athena_staging, e);
	if (r == 0)
		r = make_dir(w, "objects/staging-measure", &measure_staging, e);
	if (r == 0)
		r = glue_new(&(struct glue_opts){ .meta = w->meta, .blobs = w->objects, .sql = w->sql, .s3 = &w->s3_port,
						  .events = &w->events_port, .logs = logs_port(w->logs), .staging = glue_staging,
						  .region = c->region, .account = c->account },
			     &w->glue, e);
	if (r < 0)
		return r;
	w->glue_port = *glue_port(w->glue);
	r = athena_new(&(struct athena_opts){ .meta = w->meta, .blobs = w->objects, .sql = w->sql, .s3 = &w->s3_port,
					      .glue = &w->glue_port, .staging = athena_staging, .region = c->region,
					      .account = c->account },
		       &w->athena, e);
	if (r == 0)
		r = lambda_new(&(struct lambda_opts){ .meta = w->meta, .blob = w->code, .fn = w->fn, .s3 = &w->s3_port,
						      .code_dir = path(w, "functions"), .region = c->region,
						      .account = c->account },
			       &w->lambda, e);
	if (r == 0)
		r = states_new(&(struct states_opts){ .meta = w->meta, .region = c->region, .account = c->account }, &w->states,
			       e);
	if (r == 0)
		r = measure_new(&(struct measure_opts){ .meta = w->meta, .blobs = w->objects, .sql = w->lake_sql, .s3 = &w->s3_port,
							.events = &w->events_port, .firehose = &w->firehose_port,
							.glue = &w->glue_port, .staging_dir = measure_staging,
							.compact_quiet_s = c->compaction_quiet_s },
				&w->measure, e);
	return r;
}

static void log_request(const struct aws_logged *l, void *arg)
{
	(void)arg;
	if (l->status >= 500)
		diag(DIAG_ERROR, "request", "%s %s:%s %d %s %s: %s", l->request_id, l->service ? l->service : "?",
		     l->operation ? l->operation : "?", l->status, l->source_ip, l->error ? l->error : "", l->message ? l->message : "");
	else
		diag(DIAG_DEBUG, "request", "%s %s:%s %d %s %lld us%s%s", l->request_id, l->service ? l->service : "?",
		     l->operation ? l->operation : "?", l->status, l->source_ip, (long long)l->took_us, l->error ? " " : "",
		     l->error ? l->error : "");
}

static int make_faces(struct wire *w, struct err *e)
{
	const struct config *c = w->config;
	int r;

	w->registry = op_registry_new();
	services_register(w->registry, w);
	r = console_new(&(struct console_opts){ .measure = w->measure, .registry = w->registry, .region = c->region,
						.account = c->account, .sign_in = sign_in, .arg = w },
			&w->console, e);
	if (r < 0)
		return r;
	w->s3_domains[0] = c->s3_domain;
	w->aws = aws_new(&(struct aws_opts){ .services = w->registry, .credentials = w->credentials, .region = c->region,
					     .account = c->account, .outside = outside_handle, .outside_arg = w,
					     .host_suffixes = w->s3_domains, .log = log_request });
	w->pool = pool_new(&(struct pool_opts){ { (unsigned)c->fast_threads, (unsigned)c->slow_threads, WAITING_THREADS,
						   BULK_THREADS },
						 { 4096, 1024, 1024, 1024 } });
	return 0;
}

int wire_new(const struct config *c, struct wire *w, struct err *e)
{
	char arn[64];
	int r;

	*w = (struct wire){ .config = c, .lock_fd = -1 };
	arena_init(&w->arena, MIB);
	r = lock_data(w, e);
	if (r == 0)
		r = wire_root_key(c->data, true, w->root_access_key, w->root_secret, e);
	if (r < 0)
		return r;
	w->credentials = credentials_new(c->account);
	snprintf(arn, sizeof(arn), "arn:aws:iam::%s:root", c->account);
	credentials_add(w->credentials, w->root_access_key, w->root_secret, NULL, 0, arn);
	if (strcmp(c->users, "off") != 0)
		r = users_load(w->credentials, c->users, c->account, e);
	if (r == 0)
		r = open_stores(w, e);
	if (r == 0)
		r = make_collecting(w, e);
	if (r == 0)
		r = make_processing(w, e);
	if (r == 0)
		r = make_faces(w, e);
	return r;
}

/* --- starting and stopping --- */

static int listen_at(struct wire *w, const char *address, bool page, struct http_server **ret, char url[128], struct err *e)
{
	struct http_server_opts o = { .pool = w->pool, .connections_max = CONNECTIONS_MAX };
	bool v6;
	int r = config_address(address, &w->arena, &o.addr, &o.port, e);

	if (r < 0)
		return r;
	o.lane = page ? console_lane : aws_lane;
	o.whole = page ? NULL : aws_whole;
	o.handler = page ? console_page : aws_handle;
	o.arg = page ? (void *)w->console : (void *)w->aws;
	r = http_server_new(&o, ret, e);
	if (r < 0)
		return err_ctx(e, "listen at %s", address);
	v6 = strchr(o.addr, ':') != NULL;
	/* An address that means every interface is no address to call: children and this machine use loopback. */
	if (strcmp(o.addr, "0.0.0.0") == 0)
		o.addr = "127.0.0.1";
	snprintf(url, 128, "http://%s%s%s:%u", v6 ? "[" : "", o.addr, v6 ? "]" : "", (unsigned)http_server_port(*ret));
	return 0;
}

/* What `mulgil env` and the other commands read. */
static int write_endpoint(struct wire *w, struct err *e)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "{\"api\": \"%s\", \"console\": \"%s\", \"region\": \"%s\", \"account\": \"%s\", \"pid\": %d}\n",
			 w->endpoint, w->page_url, w->config->region, w->config->account, (int)getpid());

	return file_replace(path(w, "endpoint.json"), view_of(text, (size_t)n), 0600, e);
}

static int start_actors(struct wire *w, struct err *e)
{
	int r = logs_start(w->logs, e);

	if (r == 0)
		r = s3_start(w->s3, e);
	if (r == 0)
		r = firehose_start(w->firehose, e);
	if (r == 0)
		r = glue_start(w->glue, e);
	if (r == 0)
		r = athena_start(w->athena, e);
	if (r == 0)
		r = measure_start(w->measure, e);
	return r;
}

int wire_start(struct wire *w, struct err *e)
{
	int r = start_actors(w, e);

	/* The listener first, then those that call it: functions need its address. */
	if (r == 0)
		r = listen_at(w, w->config->api, false, &w->api, w->endpoint, e);
	if (r == 0 && strcmp(w->config->console, "off") != 0)
		r = listen_at(w, w->config->console, true, &w->page, w->page_url, e);
	if (r < 0)
		return r;
	op_registry_context(w->registry, w->config->region, view_str(w->endpoint));
	r = lambda_start(w->lambda, e);
	if (r == 0)
		r = states_start(w->states, w->registry, e);
	if (r == 0)
		r = events_start(w->events, w->registry, e);
	if (r == 0)
		r = firehose_deliver(w->firehose, w->registry, e);
	if (r == 0)
		r = write_endpoint(w, e);
	if (r == 0) {
		sql_pool_warm(w->lake_sql);
		sql_pool_warm(w->sql);
	}
	return r;
}

/* What runs tasks: results that come after this are not kept, so that a task which the stopping breaks is run again at the
 * next start and has not failed. */
static void *stop_runners(void *arg)
{
	struct wire *w = arg;

	if (w->states)
		states_stop(w->states);
	if (w->events)
		events_stop(w->events);
	if (w->jq)
		jq_stop(w->jq);
	if (w->firehose)
		firehose_stop(w->firehose);
	return NULL;
}

/* Functions under way have a while to end, with the API still there for them. */
static void stop_tasks(struct wire *w)
{
	pthread_t t = thread_start("stop", stop_runners, w);
	int64_t until = clock_ms() + STOP_GRACE_MS;
	const struct timespec ts = { until / 1000, until % 1000 * 1000000 };

	if (pthread_timedjoin_np(t, NULL, &ts) == 0)
		return;
	if (w->fn)
		fn_stop(w->fn);
	thread_join(t);
}

void wire_free(struct wire *w)
{
	stop_tasks(w);
	if (w->sqs) /* those that wait for messages would hold the listeners open */
		sqs_stop(w->sqs);
	if (w->measure)
		measure_stop(w->measure);
	if (w->console) /* viewers would hold the listeners open */
		console_stop(w->console);
	w->page = http_server_free(w->page, 0);
	w->api = http_server_free(w->api, STOP_GRACE_MS);
	if (w->fn) /* asynchronous events that are under way stay in their queue */
		fn_stop(w->fn);
	w->console = console_free(w->console);
	w->measure = measure_free(w->measure);
	w->states = states_free(w->states);
	w->lambda = lambda_free(w->lambda);
	w->athena = athena_free(w->athena);
	w->glue = glue_free(w->glue);
	w->firehose = firehose_free(w->firehose);
	w->s3 = s3_free(w->s3);
	w->events = events_free(w->events);
	w->sqs = sqs_free(w->sqs);
	w->kinesis = kinesis_free(w->kinesis);
	w->fn = fn_free(w->fn);
	w->logs = logs_free(w->logs);
	w->pool = pool_free(w->pool);
	w->aws = aws_free(w->aws);
	op_registry_free(w->registry);
	w->jq = jq_close(w->jq);
	if (w->sql)
		w->sql = sql_close(w->sql);
	if (w->lake_sql)
		w->lake_sql = sql_close(w->lake_sql);
	if (w->code)
		w->code = blob_close(w->code);
	if (w->objects)
		w->objects = blob_close(w->objects);
	if (w->meta)
		w->meta = meta_close(w->meta);
	w->credentials = credentials_free(w->credentials);
	crypto_wipe(w->root_secret, sizeof(w->root_secret));
	if (w->lock_fd >= 0)
		close(w->lock_fd);
	arena_clear(&w->arena);
}
