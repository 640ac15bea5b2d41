// SPDX-License-Identifier: Apache-2.0
/* Queues and messages as rows of meta. */
#include "svc/sqs/sqs_int.h"

#define FORGET_MAX 1000

const char sqs__ddl[] =
	"CREATE TABLE IF NOT EXISTS sqs_queue (name TEXT PRIMARY KEY, visibility_s BIGINT NOT NULL, max_bytes BIGINT NOT NULL,"
	" retention_s BIGINT NOT NULL, delay_s BIGINT NOT NULL, wait_s BIGINT NOT NULL, dlq TEXT, max_receives BIGINT NOT NULL,"
	" created_ms BIGINT NOT NULL, modified_ms BIGINT NOT NULL, purged_ms BIGINT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS sqs_message (queue TEXT NOT NULL, n BIGINT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,"
	" attributes TEXT, sender TEXT NOT NULL, sent_ms BIGINT NOT NULL, visible_ms BIGINT NOT NULL, receives BIGINT NOT NULL,"
	" first_ms BIGINT NOT NULL, received_ms BIGINT NOT NULL, token TEXT, source TEXT, PRIMARY KEY (queue, n));"
	"CREATE UNIQUE INDEX IF NOT EXISTS sqs_message_id ON sqs_message (queue, id);"
	"CREATE INDEX IF NOT EXISTS sqs_message_visible ON sqs_message (queue, visible_ms, n);"
	"CREATE INDEX IF NOT EXISTS sqs_message_sent ON sqs_message (queue, sent_ms);";

int sqs__queue_find(struct meta_tx *tx, const char *name, struct arena *a, struct sqs_queue *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e,
			"SELECT name, visibility_s, max_bytes, retention_s, delay_s, wait_s, dlq, max_receives, created_ms,"
			" modified_ms, purged_ms FROM sqs_queue WHERE name = ?", "s", name);

	if (rc <= 0)
		return rc;
	*ret = (struct sqs_queue){ .name = row_str(r, 0, a), .visibility_s = row_int(r, 1), .max_bytes = row_int(r, 2),
				   .retention_s = row_int(r, 3), .delay_s = row_int(r, 4), .wait_s = row_int(r, 5),
				   .dlq = row_str(r, 6, a), .max_receives = row_int(r, 7), .created_ms = row_int(r, 8),
				   .modified_ms = row_int(r, 9), .purged_ms = row_int(r, 10) };
	tx_end(r);
	return 1;
}

int sqs__queue_need(struct meta_tx *tx, const char *name, struct arena *a, struct sqs_queue *ret, struct err *e)
{
	int rc = sqs__queue_find(tx, name, a, ret, e);

	return rc < 0 ? rc : rc ? 0 : aws_fail(e, &SQS_NO_QUEUE, "The specified queue does not exist.");
}

int sqs__queue_insert(struct meta_tx *tx, const struct sqs_queue *q, struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO sqs_queue (name, visibility_s, max_bytes, retention_s, delay_s, wait_s, dlq, max_receives,"
		      " created_ms, modified_ms, purged_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
		      "siiiiisiii", q->name, q->visibility_s, q->max_bytes, q->retention_s, q->delay_s, q->wait_s, q->dlq,
		      q->max_receives, q->created_ms, q->modified_ms);
}

int sqs__queue_update(struct meta_tx *tx, const struct sqs_queue *q, struct err *e)
{
	return tx_run(tx, e,
		      "UPDATE sqs_queue SET visibility_s = ?, max_bytes = ?, retention_s = ?, delay_s = ?, wait_s = ?, dlq = ?,"
		      " max_receives = ?, modified_ms = ?, purged_ms = ? WHERE name = ?",
		      "iiiiisiiis", q->visibility_s, q->max_bytes, q->retention_s, q->delay_s, q->wait_s, q->dlq, q->max_receives,
		      q->modified_ms, q->purged_ms, q->name);
}

int sqs__queue_remove(struct meta_tx *tx, const char *name, struct err *e)
{
	return tx_run(tx, e, "DELETE FROM sqs_queue WHERE name = ?", "s", name);
}

int sqs__queue_names(struct meta_tx *tx, const char *prefix, const char *after, int64_t max, struct arena *a,
		     const char ***ret, size_t *ret_n, struct err *e)
{
	const char **v = ARENA_ARRAY(a, const char *, max + 1);
	struct tx_rows *r;
	size_t n = 0;
	/* Names are ASCII letters, digits, '-' and '_': '~' is behind all of them. */
	int rc = tx_query(tx, &r, e, "SELECT name FROM sqs_queue WHERE name >= ? AND name < ? AND name > ? ORDER BY name LIMIT ?",
			  "sssi", prefix, arena_printf(a, "%s~", prefix), after, max);

	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		v[n++] = row_str(r, 0, a);
		rc = 0;
	}
	*ret = v;
	*ret_n = n;
	return rc;
}

/* Messages that are over their retention are not there, deleted or not. */
static int64_t oldest(const struct sqs_queue *q, int64_t now)
{
	return now - q->retention_s * 1000;
}

int sqs__count(struct meta_tx *tx, const struct sqs_queue *q, int64_t now, struct sqs_counts *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e,
			"SELECT COALESCE(SUM(CASE WHEN visible_ms <= ? THEN 1 ELSE 0 END), 0),"
			" COALESCE(SUM(CASE WHEN visible_ms > ? AND receives > 0 THEN 1 ELSE 0 END), 0), COUNT(*)"
			" FROM sqs_message WHERE queue = ? AND sent_ms > ?",
			"iisi", now, now, q->name, oldest(q, now));

	if (rc <= 0)
		return rc;
	*ret = (struct sqs_counts){ .visible = row_int(r, 0), .in_flight = row_int(r, 1) };
	ret->delayed = row_int(r, 2) - ret->visible - ret->in_flight;
	tx_end(r);
	return 0;
}

int sqs__message_insert(struct meta_tx *tx, const char *queue, const struct sqs_message *m, struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO sqs_message (queue, n, id, body, attributes, sender, sent_ms, visible_ms, receives, first_ms,"
		      " received_ms, token, source) SELECT ?, COALESCE(MAX(n), 0) + 1, ?, ?, ?, ?, ?, ?, 0, 0, 0, NULL, NULL"
		      " FROM sqs_message WHERE queue = ? ON CONFLICT (queue, id) DO NOTHING",
		      "ssvssiis", queue, m->id, m->body, m->attributes, m->sender, m->sent_ms, m->visible_ms, queue);
}

#define COLUMNS \
	"n, id, body, attributes, sender, sent_ms, visible_ms, receives, first_ms, received_ms, token, source"

static struct sqs_message message_of(const struct tx_rows *r, struct arena *a)
{
	return (struct sqs_message){
		.n = row_int(r, 0), .id = row_str(r, 1, a), .body = arena_view(a, row_view(r, 2)), .attributes = row_str(r, 3, a),
		.sender = row_str(r, 4, a), .sent_ms = row_int(r, 5), .visible_ms = row_int(r, 6), .receives = row_int(r, 7),
		.first_ms = row_int(r, 8), .received_ms = row_int(r, 9), .token = row_str(r, 10, a), .from = row_str(r, 11, a),
	};
}

int sqs__visible(struct meta_tx *tx, const struct sqs_queue *q, int64_t now, int64_t max, struct arena *a,
		 struct sqs_message **ret, size_t *ret_n, struct err *e)
{
	struct tx_rows *r;
	size_t n = 0;
	int rc = tx_query(tx, &r, e,
			  "SELECT " COLUMNS " FROM sqs_message WHERE queue = ? AND visible_ms <= ? AND sent_ms > ?"
			  " ORDER BY visible_ms, n LIMIT ?", "siii", q->name, now, oldest(q, now), max);

	*ret = ARENA_ARRAY(a, struct sqs_message, max + 1);
	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		(*ret)[n++] = message_of(r, a);
		rc = 0;
	}
	*ret_n = n;
	return rc;
}

int sqs__next_visible(struct meta_tx *tx, const struct sqs_queue *q, int64_t now, int64_t *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e,
			"SELECT visible_ms FROM sqs_message WHERE queue = ? AND sent_ms > ? ORDER BY visible_ms LIMIT 1", "si",
			q->name, oldest(q, now));

	*ret = INT64_MAX;
	if (rc > 0) {
		*ret = row_int(r, 0);
		tx_end(r);
	}
	return rc < 0 ? rc : 0;
}

int sqs__message_update(struct meta_tx *tx, const char *queue, const struct sqs_message *m, struct err *e)
{
	return tx_run(tx, e,
		      "UPDATE sqs_message SET visible_ms = ?, receives = ?, first_ms = ?, received_ms = ?, token = ?"
		      " WHERE queue = ? AND n = ?",
		      "iiiissi", m->visible_ms, m->receives, m->first_ms, m->received_ms, m->token, queue, m->n);
}

int sqs__message_find(struct meta_tx *tx, const char *queue, const char *id, struct arena *a, struct sqs_message *ret,
		      struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT " COLUMNS " FROM sqs_message WHERE queue = ? AND id = ?", "ss", queue, id);

	if (rc > 0) {
		*ret = message_of(r, a);
		tx_end(r);
	}
	return rc;
}

int sqs__message_remove(struct meta_tx *tx, const char *queue, int64_t n, struct err *e)
{
	return tx_run(tx, e, "DELETE FROM sqs_message WHERE queue = ? AND n = ?", "si", queue, n);
}

/* It keeps its id, when it was sent (its retention goes on) and how often it was received. */
int sqs__message_move(struct meta_tx *tx, const char *queue, const struct sqs_message *m, const char *to, int64_t now,
		      struct err *e)
{
	return tx_run(tx, e,
		      "UPDATE sqs_message SET queue = ?, n = (SELECT COALESCE(MAX(n), 0) + 1 FROM sqs_message WHERE queue = ?),"
		      " visible_ms = ?, token = NULL, source = ? WHERE queue = ? AND n = ?",
		      "ssissi", to, to, now, queue, queue, m->n);
}

int sqs__any_until(struct meta_tx *tx, const char *queue, int64_t until_ms, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT 1 FROM sqs_message WHERE queue = ? AND sent_ms <= ? LIMIT 1", "si", queue, until_ms);

	if (rc > 0)
		tx_end(r);
	return rc;
}

int sqs__forget(struct meta_tx *tx, const char *queue, int64_t before_ms, int64_t *ret, struct err *e)
{
	int rc = tx_run(tx, e,
			"DELETE FROM sqs_message WHERE queue = ? AND n IN"
			" (SELECT n FROM sqs_message WHERE queue = ? AND sent_ms <= ? ORDER BY sent_ms LIMIT ?)",
			"ssii", queue, queue, before_ms, (int64_t)FORGET_MAX);

	if (rc == 0)
		*ret = tx_changes(tx);
	return rc;
}
