/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deploy_int -- what the files of deploying share: the template (pure), properties' schemas (pure), local files, and
 * the table of resource types.
 *
 * One thread.  Everything lives in the arena of the deployment.
 */
#pragma once

#include "cli/deploy.h"
#include "os/crypto.h"

/* --- deploy_schema.c: which properties a type has --- */
enum prop_kind {
	PROP_STR,
	PROP_INT,
	PROP_BOOL,
	PROP_OBJ,     /* of the members in sub */
	PROP_LIST,    /* of objects of the members in sub */
	PROP_STRINGS, /* list of text */
	PROP_MAP,     /* text to text */
	PROP_JSON,    /* any JSON, passed on as it is */
};
struct prop {
	const char *name; /* NULL ends a table */
	enum prop_kind kind;
	bool required;
	const struct prop *sub;
};
/* @given with CloudFormation's conversions done ("5" is 5 where an integer is due).  NULL: a member that is not in
 * @props (ERR_UNSUPPORTED), is missing or is of the wrong type (ERR_INVALID); the message names @place and member. */
const struct json *schema_check(struct arena *a, const struct prop *props, const struct json *given,
				const char *place, struct err *e);
/* Place of the first member of @want (checked) that @have does not hold the same, or NULL.  Members that are not in
 * @want do not count; lists and maps are compared as a whole. */
const char *schema_differs(struct arena *a, const struct prop *props, const struct json *want,
			   const struct json *have, const char *place);

/* --- deploy_template.c, deploy_functions.c --- */
struct deploy_artifact {
	const char *key; /* NULL: none */
	struct view data;
	uint8_t sha256[DIGEST_MAX]; /* the first 32 bytes */
};

struct deploy_resource {
	const char *id; /* logical */
	const char *type;
	const struct json *properties; /* as in the template */
	const char *place;             /* "Resources.Raw.Properties" */
	const struct json *depends;    /* DependsOn, as array */
	const struct resource_type *kind;
	const struct json *given; /* properties, checked, functions done */
	const char *name;         /* physical; NULL until known */
	const char *url;          /* FunctionUrl, once it exists */
	const char *action;
	struct deploy_artifact artifact;
	struct deploy_resource **needs; /* what it refers to */
	size_t n_needs, cap_needs;
	int mark;
};

struct deploy_template {
	struct arena *a;
	const struct json *parameters, *outputs; /* the sections; NULL if absent */
	struct json *values; /* parameters' and pseudo parameters' values, all text */
	struct deploy_resource *resources;
	size_t n;
	struct deploy_resource **order; /* every resource behind what it refers to */
	/* What Ref (@attr NULL) or Fn::GetAtt gives; NULL: there is no such attribute.  "" while @r has no name yet. */
	const char *(*value)(const struct deploy_template *t, const struct deploy_resource *r,
			     const char *attr);
};

/* Reads the sections.  @value: see above. */
int template_parse(struct arena *a, struct view text, struct deploy_template *ret, struct err *e)
	MUST_CHECK;
/* Adds a value that Ref and Fn::Sub find: pseudo parameters. */
void template_define(struct deploy_template *t, const char *name, const char *value);
/* Values of the parameters from @p and the defaults. */
int template_parameters(struct deploy_template *t, const struct deploy_param *p, size_t n,
			struct err *e) MUST_CHECK;
/* Checks all functions and references (in Outputs too) and fills order. */
int template_order(struct deploy_template *t, struct err *e) MUST_CHECK;
struct deploy_resource *template_find(const struct deploy_template *t,
				      struct view id); /* NULL: none */
/* @node with its functions done; NULL and @e naming the place. */
const struct json *template_resolve(const struct deploy_template *t, const struct json *node,
				    const char *place, struct err *e);
/* As above; each resource referred to is added to @needs->needs. */
const struct json *template_resolve_for(const struct deploy_template *t, const struct json *node,
					const char *place, struct deploy_resource *needs,
					struct err *e);
/* {"Name": "value"} */
const struct json *template_outputs(const struct deploy_template *t, struct err *e);
/* The text of a scalar; VIEW_NONE for others. */
struct view template_text(struct arena *a, const struct json *v);

/* --- deploy_package.c: local files --- */
/* Absolute path of what @path, seen from @dir, names. */
const char *package_path(struct arena *a, const char *dir, const char *path);
/* A file as it is (key "<sha256>.<extension>"). */
int package_file(struct arena *a, const char *path, struct deploy_artifact *ret, struct err *e)
	MUST_CHECK;
/* A folder as zip, or a .zip file as it is. */
int package_code(struct arena *a, const char *path, struct deploy_artifact *ret, struct err *e)
	MUST_CHECK;
/* The state machine's definition at @path (JSON or YAML), its ${Name} replaced. */
const struct json *package_definition(struct arena *a, const char *path,
				      const struct json *substitutions, struct err *e);
/* ${Name} replaced in every text of @v. */
const struct json *package_substitute(struct arena *a, const struct json *v,
				      const struct json *substitutions, struct err *e);

/* --- deploy_resources.c --- */
struct deploy {
	struct aws_client *aws;
	struct arena *a;
	struct deploy_template t;
	const char *dir; /* the template's folder */
	const char *stack, *bucket;
	bool dry_run;
};

struct resource_type {
	const char *type;
	const struct prop *props;
	const char *name; /* property with the physical name, "DatabaseInput.Name" */
	const char *ref;  /* Fn::Sub text of what Ref gives, ${Name} being the physical name */
	const char *const *
		attrs; /* name, Fn::Sub text, ..., NULL; text "" is known once the resource exists */
	/* Reads local files; no call is made.  May be NULL. */
	int (*prepare)(struct deploy *d, struct deploy_resource *r, struct err *e);
	/* Creates or updates; sets r->action. */
	int (*put)(struct deploy *d, struct deploy_resource *r, struct err *e);
};
const struct resource_type *resource_type_find(const char *type); /* NULL: not supported */
const char *resource_value(const struct deploy_template *t, const struct deploy_resource *r,
			   const char *attr);
/* Sets given and name of @r; everything it refers to has been through this. */
int resource_check(struct deploy *d, struct deploy_resource *r, struct err *e) MUST_CHECK;
/* Then: reads local files, sets artifact. */
int resource_prepare(struct deploy *d, struct deploy_resource *r, struct err *e) MUST_CHECK;
/* SAM's short forms as the resources they stand for (FunctionUrlConfig). */
int resource_expand(struct deploy_template *t, struct err *e) MUST_CHECK;

/* Calls of services that speak JSON. */
struct deploy_api {
	const char *service, *target; /* "glue", "AWSGlue" */
	const char *missing;          /* error code when there is no such resource */
};
int deploy_call(struct deploy *d, const struct deploy_api *api, const char *op,
		const struct json *in, const struct json **ret, struct err *e) MUST_CHECK;
/* As deploy_call(), but *ret is NULL when there is no such resource. */
int deploy_look(struct deploy *d, const struct deploy_api *api, const char *op,
		const struct json *in, const struct json **ret, struct err *e) MUST_CHECK;
struct json *deploy_without(struct deploy *d, const struct json *from, const char *name);

/* deploy_glue.c */
extern const struct prop deploy_database_props[], deploy_table_props[], deploy_job_props[];
int deploy_put_database(struct deploy *d, struct deploy_resource *r, struct err *e);
int deploy_put_table(struct deploy *d, struct deploy_resource *r, struct err *e);
int deploy_prepare_job(struct deploy *d, struct deploy_resource *r, struct err *e);
int deploy_put_job(struct deploy *d, struct deploy_resource *r, struct err *e);
/* deploy_s3.c */
int deploy_bucket(struct deploy *d, const char *name, bool *ret_created, struct err *e) MUST_CHECK;
int deploy_put_bucket(struct deploy *d, struct deploy_resource *r, struct err *e);
int deploy_upload(struct deploy *d, const struct deploy_artifact *f, struct err *e) MUST_CHECK;
/* deploy_lambda.c */
int deploy_put_function(struct deploy *d, struct deploy_resource *r, struct err *e);
int deploy_put_url(struct deploy *d, struct deploy_resource *r, struct err *e);
