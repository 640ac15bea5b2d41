/* SPDX-License-Identifier: Apache-2.0 */
/* s3 -- construction and start. */
#include "svc/s3/s3.h"

#include <stdlib.h>

#include "os/clock.h"
#include "svc/s3/s3_access.h"

#define DONE_KEPT_MS \
	(24 * 3600 * 1000LL) /* how long a repeated CompleteMultipartUpload is recognised */

struct s3 *s3_new(const struct s3_opts *o)
{
	struct s3 *s = calloc(1, sizeof(*s));

	must(s && o->meta && o->blob);
	s->meta = o->meta;
	s->blob = o->blob;
	s->events = o->events;
	s->region = strdup(o->region);
	s->account = strdup(o->account);
	must(s->region && s->account);
	sha256_hex(view_str(s->account), s->owner_id);
	s->guards = s3__guards_new();
	s->open_buckets = o->open_buckets;
	s->now_ms = o->now_ms ? o->now_ms : clock_ms;
	s->md5 = md5_pool_new();
	s->master_path = o->master_key ? strdup(o->master_key) : NULL;
	s->master_made = o->master_key_made;
	s->encrypt_all = o->encrypt_all;
	map_init(&s->encrypts);
	s3__reap_start(s);
	s3__expire_init(s, o->lifecycle_every_s, o->lifecycle_day_s);
	s3__scrubber_init(s, o->scrub_every_s);
	return s;
}

struct s3 *s3_free(struct s3 *s)
{
	if (!s)
		return NULL;
	s3__scrubber_stop(s);
	s3__expire_stop(s);
	s3__reap_stop(s);
	s->md5 = md5_pool_free(s->md5);
	s->guards = s3__guards_free(s->guards);
	crypto_wipe(&s->master, sizeof(s->master));
	map_clear(&s->encrypts);
	free(s->master_path);
	free(s->region);
	free(s->account);
	free(s);
	return NULL;
}

/* --- start: what it takes does not depend on how many objects there are --- */

static int start_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct s3 *s = arg;
	int rc = s3__forget_done(tx, s->now_ms() - DONE_KEPT_MS, e);

	s->last_seq = s3__max_seq(tx, e);
	if (!rc && !e->code)
		rc = s3__doomed_last(tx, &s->doomed_id, e);
	if (!rc && !e->code)
		rc = s3__swept_get(tx, &s->swept_seq, e);
	if (!rc && !e->code)
		rc = s3__encrypts_start(tx, s, e);
	if (rc || e->code)
		return e->code;
	/* Numbers go on also when the rows with the greatest ones are gone. */
	if (s->last_seq < s->swept_seq)
		s->last_seq = s->swept_seq;
	s->start_seq = s->last_seq;
	return blob_crashed(s->blob) ? 0 : s3__swept_set(tx, s->start_seq, e);
}

int s3_start(struct s3 *s, struct err *e)
{
	int rc = meta_schema(s->meta, s3__ddl, e);

	if (!rc)
		rc = meta_steps(s->meta, "s3", s3__steps, e);
	if (!rc)
		rc = meta_write(s->meta, start_fn, s, e);
	if (!rc && s->master_path)
		rc = s3__keys_start(s, s->master_path, s->master_made, e);
	if (rc)
		return err_ctx(e, "s3");
	s3__reap_recover(s);
	rc = s3__expire_start(s, e);
	if (!rc)
		rc = s3__scrubber_start(s, e);
	return rc ? err_ctx(e, "s3") : 0;
}
