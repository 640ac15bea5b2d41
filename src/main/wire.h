/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire -- the whole program put together: the only place that names concrete backends.
 *
 * wire_new() opens the data folder and makes every module; wire_start() recovers, starts the background actors and
 * then the listeners; wire_free() stops what runs tasks first (they may call the API), then the listeners, then the rest in
 * the opposite order.  One thread calls them.
 */
#pragma once

#include "aws/aws.h"
#include "console/console.h"
#include "main/config.h"
#include "measure/measure.h"
#include "store/fn.h"
#include "store/jq.h"
#include "store/sql.h"
#include "svc/athena/athena.h"
#include "svc/events/events.h"
#include "svc/firehose/firehose.h"
#include "svc/glue/glue.h"
#include "svc/kinesis/kinesis.h"
#include "svc/lambda/lambda.h"
#include "svc/logs/logs.h"
#include "svc/s3/s3.h"
#include "svc/sqs/sqs.h"
#include "svc/states/states.h"

struct wire {
	const struct config *config;
	const char *s3_domains[2]; /* of aws_opts.host_suffixes */
	struct arena arena; /* paths and other strings that live as long */
	char root_access_key[129], root_secret[129];
	int lock_fd;

	struct meta *meta;
	struct blob_store *objects, *code;
	struct sql *sql;      /* users' queries and jobs */
	struct sql *lake_sql; /* samples into files: waits for no query */
	struct jq *jq;        /* queries for partition keys */
	struct fn_pool *fn;
	struct credentials *credentials;
	struct op_registry *registry;

	struct logs *logs;
	struct events *events;
	struct s3 *s3;
	struct kinesis *kinesis;
	struct kinesis_port kinesis_port;
	struct sqs *sqs;
	struct firehose *firehose;
	struct glue *glue;
	struct athena *athena;
	struct lambda *lambda;
	struct states *states;
	struct measure *measure;
	struct console *console;

	struct events_port events_port;
	struct s3_port s3_port;
	struct firehose_port firehose_port;
	struct glue_port glue_port;

	struct aws *aws;
	struct pool *pool;
	struct http_server *api, *page;
	char endpoint[128], page_url[128];
};

int wire_new(const struct config *c, struct wire *w, struct err *e) MUST_CHECK;
int wire_start(struct wire *w, struct err *e) MUST_CHECK;
void wire_free(struct wire *w);

/* The root key: from MULGIL_ROOT_ACCESS_KEY_ID and MULGIL_ROOT_SECRET_ACCESS_KEY, or <data>/root-key.json, which is made
 * (mode 0600) if it is not there and @make. */
int wire_root_key(const char *data, bool make, char access_key[129], char secret[129], struct err *e) MUST_CHECK;

/* All services' tables, for `mulgil op-table` and docs; services.c. */
void services_register(struct op_registry *r, struct wire *w); /* @w NULL: tables only */
