/* SPDX-License-Identifier: Apache-2.0 */
/* deploy: the command, and the order of things when a template is put up. */
#include "cli/deploy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/xml.h"
#include "cli/cli.h"
#include "cli/deploy_int.h"
#include "os/file.h"

#define TEMPLATE_MAX MIB
#define PARAMS_MAX 64
#define PATH_MAX_BYTES 4096
#define OWN_TEMPLATE "pipelines/audience/template.yaml"

/* Folder of the running program. */
static const char *program_dir(struct arena *a)
{
	char path[PATH_MAX_BYTES];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

	while (n > 0 && path[n - 1] != '/')
		n--;
	return n > 1 ? arena_str(a, view_of(path, (size_t)n - 1)) : ".";
}

static const char *first_that_exists(struct arena *a, const char *one, const char *two)
{
	const char *dir = program_dir(a);
	const char *v[] = { arena_printf(a, "%s/%s", dir, one),
			    arena_printf(a, "%s/%s", dir, two) };

	return file_exists(v[0]) ? v[0] : file_exists(v[1]) ? v[1] : NULL;
}

const char *deploy_find_template(struct arena *a, struct err *e)
{
	const char *found = first_that_exists(a, "../" OWN_TEMPLATE,
					      "../share/mulgil/" OWN_TEMPLATE);

	if (!found)
		err_set(e, ERR_NOENT,
			"no template: neither %s/../" OWN_TEMPLATE
			" nor %s/../share/mulgil/" OWN_TEMPLATE " is there",
			program_dir(a), program_dir(a));
	return found;
}

static int find_account(struct deploy *d, const char **ret, struct err *e)
{
	const struct sign_header headers[] = { { "content-type",
						 "application/x-www-form-urlencoded" } };
	const struct aws_request q = { .service = "sts",
				       .headers = headers,
				       .n_headers = ARRAY_LEN(headers),
				       .body = VIEW(
					       "Action=GetCallerIdentity&Version=2011-06-15") };
	struct http_result res;
	const struct xml *x;
	struct view account;

	if (aws_client_call(d->aws, &q, d->a, &res, e) < 0)
		return err_ctx(e, "GetCallerIdentity");
	x = xml_parse(d->a, res.body, e);
	if (!x)
		return err_ctx(e, "GetCallerIdentity");
	account = xml_get_text(xml_get(x, "GetCallerIdentityResult"), "Account");
	if (!account.n)
		return err_set(e, ERR_INTERNAL, "GetCallerIdentity: the answer has no Account");
	*ret = arena_str(d->a, account);
	return 0;
}

/* The functions of an installed program are not where the template's default looks: add where they are. */
static const char *default_code(struct deploy *d, const struct deploy_opts *o)
{
	struct view dflt = json_get_str(json_get(d->t.parameters, "FunctionsCode"), "Default");

	for (size_t i = 0; i < o->n_params; i++)
		if (strcmp(o->params[i].name, "FunctionsCode") == 0)
			return NULL;
	if (!dflt.p || file_exists(package_path(d->a, d->dir, arena_str(d->a, dflt))))
		return NULL;
	return first_that_exists(d->a, "functions", "../libexec/mulgil/functions");
}

static int set_parameters(struct deploy *d, const struct deploy_opts *o, struct err *e)
{
	struct deploy_param *p = ARENA_ARRAY(d->a, struct deploy_param, o->n_params + 1);
	const char *code = default_code(d, o);
	size_t n = o->n_params;

	if (n)
		memcpy(p, o->params, n * sizeof(*p));
	if (code)
		p[n++] = (struct deploy_param){ "FunctionsCode", code };
	return template_parameters(&d->t, p, n, e);
}

static int prepare_all(struct deploy *d, struct err *e)
{
	for (size_t i = 0; i < d->t.n; i++)
		if (resource_check(d, d->t.order[i], e) < 0)
			return e->code;
	for (size_t i = 0; i < d->t.n; i++)
		if (resource_prepare(d, d->t.order[i], e) < 0)
			return e->code;
	return 0;
}

/* Everything that can be checked before anything is changed. */
static int prepare(struct deploy *d, const struct deploy_opts *o, struct err *e)
{
	const char *path = o->template_path ? o->template_path : deploy_find_template(d->a, e),
		   *slash, *account = NULL;
	struct view text;

	if (!path || file_read(path, d->a, TEMPLATE_MAX, &text, e) < 0)
		return e->code;
	slash = strrchr(path, '/');
	d->dir = slash ? arena_printf(d->a, "%.*s", (int)(slash - path + (slash == path)), path)
		       : ".";
	if (template_parse(d->a, text, &d->t, e) < 0 || resource_expand(&d->t, e) < 0)
		return err_ctx(e, "%s", path);
	if (find_account(d, &account, e) < 0)
		return e->code;
	d->t.value = resource_value;
	template_define(&d->t, "AWS::Region", aws_client_info(d->aws)->region);
	template_define(&d->t, "AWS::AccountId", account);
	template_define(&d->t, "AWS::StackName", d->stack);
	template_define(&d->t, "AWS::Partition", "aws");
	if (set_parameters(d, o, e) < 0 || template_order(&d->t, e) < 0 || prepare_all(d, e) < 0)
		return err_ctx(e, "%s", path);
	return 0;
}

static int upload(struct deploy *d, struct err *e)
{
	bool created, have_bucket = false;

	for (size_t i = 0; i < d->t.n; i++) {
		const struct deploy_artifact *f = &d->t.order[i]->artifact;

		if (!f->key)
			continue;
		if (!have_bucket && deploy_bucket(d, d->bucket, &created, e) < 0)
			return e->code;
		have_bucket = true;
		if (deploy_upload(d, f, e) < 0)
			return e->code;
	}
	return 0;
}

static void report(struct deploy *d, struct deploy_opts *o, const struct deploy_resource *r,
		   struct json *all)
{
	struct json *x = json_new_obj(d->a);

	json_set_str(d->a, x, "action", r->action);
	json_set_str(d->a, x, "type", r->type);
	json_set_str(d->a, x, "logical_id", r->id);
	json_set_str(d->a, x, "physical_id", r->name);
	json_push(d->a, all, x);
	if (o->progress)
		o->progress(o->progress_arg, r->action, r->type, r->id, r->name);
}

/* Functions are done again: what only the service knows (a URL) has come meanwhile. */
static int put_all(struct deploy *d, struct deploy_opts *o, struct json *all, struct err *e)
{
	for (size_t i = 0; i < d->t.n; i++) {
		struct deploy_resource *r = d->t.order[i];

		if (d->dry_run)
			r->action = "checked";
		else if (resource_check(d, r, e) < 0 || resource_prepare(d, r, e) < 0 ||
			 r->kind->put(d, r, e) < 0)
			return err_ctx(e, "%s (%s)", r->id, r->type);
		report(d, o, r, all);
	}
	return 0;
}

int deploy_run(struct aws_client *c, struct deploy_opts *o, const struct json **ret_outputs,
	       struct arena *a, struct err *e)
{
	struct deploy d = {
		.aws = c,
		.a = a,
		.stack = o->stack ? o->stack : "audience",
		.bucket = o->artifacts_bucket ? o->artifacts_bucket : "mulgil-artifacts",
		.dry_run = o->dry_run,
	};
	struct json *all = json_new_arr(a);
	const struct json *outputs;

	if (prepare(&d, o, e) < 0 || (!o->dry_run && upload(&d, e) < 0) ||
	    put_all(&d, o, all, e) < 0)
		return e->code;
	outputs = template_outputs(&d.t, e);
	if (!outputs)
		return e->code;
	o->resources = all;
	*ret_outputs = outputs;
	return 0;
}

/* --- the command --- */

static void print_progress(void *arg, const char *action, const char *type, const char *logical_id,
			   const char *physical_id)
{
	(void)arg;
	printf("%-9s  %-36s  %-18s  %s\n", action, type, logical_id, physical_id);
	fflush(stdout);
}

/* Takes every --parameter NAME=VALUE out of argv.  0, or an exit code. */
static int take_params(int *argc, char **argv, struct deploy_param *p, size_t *ret_n,
		       struct arena *a)
{
	int rest = 0;

	*ret_n = 0;
	for (int i = 0; i < *argc; i++) {
		struct view v = view_str(argv[i]), name;

		if (view_eq(v, VIEW("--parameter")) && i + 1 < *argc)
			v = view_str(argv[++i]);
		else if (view_starts(v, VIEW("--parameter=")))
			v = view_from(v, 12);
		else {
			argv[rest++] = argv[i];
			continue;
		}
		if (!view_split(&v, '=', &name) || !name.n || !v.p)
			return cli_fail(EXIT_USAGE, "--parameter takes NAME=VALUE");
		if (*ret_n == PARAMS_MAX)
			return cli_fail(EXIT_USAGE, "more than %d parameters", PARAMS_MAX);
		p[(*ret_n)++] = (struct deploy_param){ arena_str(a, name), arena_str(a, v) };
	}
	*argc = rest;
	return 0;
}

static void print_result(struct cli_session *s, const struct deploy_opts *o,
			 const struct json *outputs, bool as_json)
{
	struct json *doc = json_new_obj(&s->arena);

	if (as_json) {
		json_set(&s->arena, doc, "resources", o->resources);
		json_set(&s->arena, doc, "outputs", outputs);
		puts(json_text(&s->arena, doc));
		return;
	}
	for (size_t i = 0; outputs && i < json_len(outputs) && !o->dry_run; i++)
		printf("%s%.*s = %.*s\n", i ? "" : "\n", VIEW_ARG(outputs->obj.v[i].name),
		       VIEW_ARG(json_str(outputs->obj.v[i].value)));
}

static int run(struct deploy_opts *o, const char *data, bool as_json)
{
	const struct json *outputs = NULL;
	struct err e = { 0 };
	struct cli_session s;
	int r;

	if (!cli_open(&s, data))
		return EXIT_NO_SERVER;
	o->progress = as_json ? NULL : print_progress;
	r = deploy_run(s.aws, o, &outputs, &s.arena, &e);
	if (r == 0)
		print_result(&s, o, outputs, as_json);
	else
		cli_fail(0, "%s", e.msg);
	cli_close(&s);
	return r == 0 ? 0 : EXIT_FAILED;
}

int cli_deploy(int argc, char **argv)
{
	const char *data = NULL, *output = "text", *unused = NULL;
	struct deploy_param params[PARAMS_MAX];
	struct deploy_opts o = { .params = params };
	struct arena a;
	const struct cli_option options[] = {
		{ "--parameter", "NAME=VALUE",
		  "value of a parameter of the template; any number of times", &unused, NULL },
		{ "--stack", "NAME", "AWS::StackName [audience]", &o.stack, NULL },
		{ "--artifacts-bucket", "NAME",
		  "where local code and scripts are put [mulgil-artifacts]", &o.artifacts_bucket,
		  NULL },
		{ "--data", "DIR", "the server's data folder [$MULGIL_DATA or mulgil-data]", &data,
		  NULL },
		{ "--output", "text|json", "[text]", &output, NULL },
		{ "--dry-run", NULL, "check everything, change nothing", NULL, &o.dry_run },
		{ 0 },
	};
	const struct cli_usage usage = {
		"mulgil deploy [TEMPLATE] [options]",
		"Puts up what a CloudFormation or SAM template describes; without TEMPLATE, the "
		"audience pipeline.\n"
		"Doing it again changes only what differs.  What is not supported is named before "
		"anything is created.\n\n"
		"examples:\n  mulgil deploy\n  mulgil deploy pipelines/audience/template.yaml "
		"--parameter BufferSeconds=60\n",
		options,
	};
	int r;

	arena_init(&a, MIB);
	r = take_params(&argc, argv, params, &o.n_params, &a);
	if (r == 0) {
		r = cli_options(&usage, &argc, argv);
		if (r)
			r--;
		else if (argc > 1 || (strcmp(output, "text") != 0 && strcmp(output, "json") != 0))
			r = cli_fail(EXIT_USAGE, "usage: %s", usage.synopsis);
		else {
			o.template_path = argc ? argv[0] : NULL;
			r = run(&o, data, output[0] == 'j');
		}
	}
	arena_clear(&a);
	return r;
}
