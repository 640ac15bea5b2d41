/* SPDX-License-Identifier: Apache-2.0 */
/* sqs_int -- what the files of this folder share. */
#pragma once

#include "os/thread.h"
#include "svc/sqs/sqs.h"

#define SQS_RECEIVE_MAX 10
#define SQS_BATCH_MAX 10
#define SQS_WAIT_MAX_S 20
#define SQS_VISIBILITY_MAX_S 43200
#define SQS_DELAY_MAX_S 900
#define SQS_MESSAGE_MAX 1048576 /* bytes, of one message and of a batch */
#define SQS_ATTRIBUTES_MAX 10
#define SQS_BELLS 64

struct sqs {
	struct sqs_opts o;
	char *region, *account;
	/* Who waits for a message is rung when one was sent to a queue whose name has the same hash. */
	struct lock lock;
	struct cond bells[SQS_BELLS];
	uint64_t rung[SQS_BELLS];
	bool stopping;
};

extern const struct aws_error SQS_NO_QUEUE, SQS_QUEUE_EXISTS, SQS_UNKNOWN_ATTRIBUTE, SQS_BAD_ATTRIBUTE, SQS_BAD_VALUE,
	SQS_BAD_CONTENTS, SQS_BAD_RECEIPT, SQS_NOT_IN_FLIGHT, SQS_PURGING, SQS_UNSUPPORTED, SQS_BATCH_EMPTY,
	SQS_BATCH_MANY, SQS_BATCH_TWICE, SQS_BATCH_ID, SQS_BATCH_LONG, SQS_BAD_ADDRESS, SQS_DELETED_RECENTLY;

struct sqs_queue {
	const char *name;
	int64_t visibility_s, max_bytes, retention_s, delay_s, wait_s;
	const char *dlq;      /* name of the dead-letter queue, or NULL */
	int64_t max_receives; /* with dlq */
	int64_t created_ms, modified_ms, purged_ms;
};

struct sqs_message {
	const char *id;
	int64_t n;
	struct view body;
	const char *attributes; /* JSON in the SDK's shape, or NULL */
	const char *sender;
	int64_t sent_ms, visible_ms, receives, first_ms, received_ms;
	const char *token; /* of the last receipt, or NULL */
	const char *from;  /* the queue whose dead letter this is, or NULL */
};

int64_t sqs__now(const struct sqs *q);

/* --- sqs_attr.c: message attributes; pure --- */
/* ERR_INVALID with a wire error.  *ret_bytes: what they count towards the message's size. */
int sqs__attr_check(const struct json *attributes, size_t *ret_bytes, struct arena *a, struct err *e);
/* AWS's digest of the whole map; @attributes has been checked. */
void sqs__attr_md5(const struct json *attributes, struct arena *a, char ret[33]);
/* Those that @names ("All", "prefix.*", a name) ask for; NULL: none. */
const struct json *sqs__attr_pick(const struct json *attributes, const struct op_list *names, struct arena *a);

/* --- sqs_store.c: all SQL; inside transactions --- */
extern const char sqs__ddl[];
int sqs__queue_find(struct meta_tx *tx, const char *name, struct arena *a, struct sqs_queue *ret, struct err *e); /* 1, 0, < 0 */
int sqs__queue_need(struct meta_tx *tx, const char *name, struct arena *a, struct sqs_queue *ret, struct err *e);
int sqs__queue_insert(struct meta_tx *tx, const struct sqs_queue *q, struct err *e);
int sqs__queue_update(struct meta_tx *tx, const struct sqs_queue *q, struct err *e);
int sqs__queue_remove(struct meta_tx *tx, const char *name, struct err *e);
int sqs__queue_names(struct meta_tx *tx, const char *prefix, const char *after, int64_t max, struct arena *a,
		     const char ***ret, size_t *ret_n, struct err *e);
struct sqs_counts {
	int64_t visible, in_flight, delayed;
};
int sqs__count(struct meta_tx *tx, const struct sqs_queue *q, int64_t now, struct sqs_counts *ret, struct err *e);
/* A message whose id is there already is that message: nothing is added. */
int sqs__message_insert(struct meta_tx *tx, const char *queue, const struct sqs_message *m, struct err *e);
/* Those that can be received now, oldest first. */
int sqs__visible(struct meta_tx *tx, const struct sqs_queue *q, int64_t now, int64_t max, struct arena *a,
		 struct sqs_message **ret, size_t *ret_n, struct err *e);
/* When the next message will be receivable: INT64_MAX if nothing is there. */
int sqs__next_visible(struct meta_tx *tx, const struct sqs_queue *q, int64_t now, int64_t *ret, struct err *e);
/* Writes what a receipt changes: visible_ms, receives, first_ms, received_ms, token. */
int sqs__message_update(struct meta_tx *tx, const char *queue, const struct sqs_message *m, struct err *e);
int sqs__message_find(struct meta_tx *tx, const char *queue, const char *id, struct arena *a, struct sqs_message *ret,
		      struct err *e); /* 1, 0, < 0 */
int sqs__message_remove(struct meta_tx *tx, const char *queue, int64_t n, struct err *e);
int sqs__message_move(struct meta_tx *tx, const char *queue, const struct sqs_message *m, const char *to, int64_t now,
		      struct err *e);
/* Deletes some of the messages of @queue sent up to @before_ms; *ret: how many. */
/* Are there any?  1, 0, < 0. */
int sqs__any_until(struct meta_tx *tx, const char *queue, int64_t until_ms, struct err *e);
int sqs__forget(struct meta_tx *tx, const char *queue, int64_t before_ms, int64_t *ret, struct err *e);

/* --- sqs_batch.c --- */
struct sqs_outcome { /* of one entry of a batch */
	const char *id;
	const struct aws_error *why; /* NULL: it went through */
	const char *message;
};
int sqs__batch_size(struct op_ctx *cx, size_t n);
int sqs__batch_check(struct op_ctx *cx, const struct sqs_outcome *v, size_t n, const char *what);
/* Takes an error that is the entry's own out of @e: 0.  Others stay: @rc. */
int sqs__batch_failed(struct sqs_outcome *x, int rc, struct err *e, struct arena *a);
void sqs__batch_out_failed(struct out *o, const struct sqs_outcome *v, size_t n);

/* --- sqs.c --- */
/* The queue's name out of its URL; InvalidAddress. */
int sqs__name_of(struct op_ctx *cx, const char *url, const char **ret);
const char *sqs__url(const struct op_ctx *cx, const char *name);
const char *sqs__arn(const struct sqs *q, struct arena *a, const char *name);
/* After the commit that made a message receivable. */
void sqs__ring(struct sqs *q, const char *queue);
/* What sqs__wait() compares with; take it before looking. */
uint64_t sqs__bell(struct sqs *q, const char *queue);
/* Until the bell has rung since @seen, or @next_ms, which may be over; false: the deadline is over, or the server stops. */
bool sqs__wait(struct sqs *q, const char *queue, uint64_t seen, int64_t next_ms, int64_t deadline_ms);

#define SQS_HANDLER(name) int sqs__##name(struct op_ctx *cx, const void *input, struct out *o)
SQS_HANDLER(create_queue);
SQS_HANDLER(delete_queue);
SQS_HANDLER(get_queue_attributes);
SQS_HANDLER(get_queue_url);
SQS_HANDLER(list_queues);
SQS_HANDLER(purge_queue);
SQS_HANDLER(set_queue_attributes);
SQS_HANDLER(send_message);
SQS_HANDLER(send_message_batch);
SQS_HANDLER(receive_message);
SQS_HANDLER(delete_message);
SQS_HANDLER(delete_message_batch);
SQS_HANDLER(change_visibility);
SQS_HANDLER(change_visibility_batch);

/* --- input structs; tables in sqs_rows.c --- */
struct sqs_queue_in {
	const char *url, *name, *owner, *prefix, *token;
	const struct json *attributes;
	struct op_list names; /* const char * */
	struct opt_int max;
};
struct sqs_send_in { /* SendMessage, and an entry of the batch */
	const char *url, *id, *body;
	struct opt_int delay;
	const struct json *attributes;
};
struct sqs_receive_in {
	const char *url;
	struct op_list names, system_names, attribute_names; /* const char * */
	struct opt_int max, visibility, wait;
};
struct sqs_receipt_in { /* DeleteMessage, ChangeMessageVisibility, and their entries */
	const char *url, *id, *receipt;
	struct opt_int visibility;
};
struct sqs_batch_in {
	const char *url;
	struct op_list entries;
};

#define SQS_N_OPS 14
extern const struct op sqs__ops[SQS_N_OPS];
