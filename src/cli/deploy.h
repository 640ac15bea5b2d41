/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deploy -- puts up what a CloudFormation/SAM template describes, through the services' own APIs.
 *
 * Everything that is not supported (a section, a resource type, a property, an intrinsic function) is refused by name
 * and place (Resources.X.Properties.Y) before anything is created.  Resources are created in the order of their
 * references; one that exists is compared with what the template names and updated where its service can, so that
 * deploying the same template again changes nothing.  No resource is ever deleted (a rule's targets are).
 *
 * Local paths in the template are relative to its folder; what they name is uploaded to the artifacts bucket under a key
 * made of its content's hash.
 */
#pragma once

#include <stdbool.h>

#include "aws/client.h"

struct deploy_param {
	const char *name, *value;
};

/* One resource is done: @action is "created", "updated" or "unchanged" ("checked" with dry_run). */
typedef void (*deploy_progress_fn)(void *arg, const char *action, const char *type,
				   const char *logical_id, const char *physical_id);

struct deploy_opts {
	const char *template_path; /* NULL: the audience pipeline's, see deploy_find_template() */
	const char *stack;         /* AWS::StackName; NULL: "audience" */
	const char *artifacts_bucket; /* NULL: "mulgil-artifacts" */
	const struct deploy_param *params;
	size_t n_params;
	bool dry_run; /* checks all that can be checked without a call that changes something */
	deploy_progress_fn progress; /* NULL: silent */
	void *progress_arg;
	const struct json *
		resources; /* out, if the call succeeded: [{action, type, logical_id, physical_id}], in @a */
};

/*
 * Deploys.  @ret_outputs gets the template's Outputs, {"Name": "value", ...}, living in @a.
 *
 * Returns 0; ERR_INVALID or ERR_UNSUPPORTED naming the place in the template, nothing was created; or a service's error
 * with the resource's name in front: resources before it stay, deploying again goes on from there.
 */
int deploy_run(struct aws_client *c, struct deploy_opts *o, const struct json **ret_outputs,
	       struct arena *a, struct err *e) MUST_CHECK;

/* The audience pipeline's template.yaml: beside the program (build tree), else ../share/mulgil.  NULL and ERR_NOENT
 * naming both places. */
const char *deploy_find_template(struct arena *a, struct err *e);
