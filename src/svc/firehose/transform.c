/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transform -- the event of a transformation and its answer.
 *
 * Codes: Lambda.FunctionError, .MissingRecordId, .DuplicatedRecordId, .ProcessingFailedStatus, .InvalidReturnFormat and
 * their texts were seen in error documents of AWS, as was .FunctionTimedOut; .JsonProcessingException, .ResourceNotFound
 * and .InvokeLimitExceeded are from its documentation.  Records of an
 * answer that names them not at all are missing one by one; those that it makes up are ignored; a result that is none of
 * the three fails all of them; so it was seen.  What becomes of data that is not base64 was seen as Lambda.FunctionError:
 * here it is that of the one record.
 */
#include "svc/firehose/transform.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/map.h"

#define ANSWER_DEPTH 32
#define RECORD_ID_MAX 80

const char fh__function_error[] = "The Lambda function was successfully invoked but it returned an error result.";
static const char not_parsed[] = "Error parsing returned records from the Lambda function. Ensure that the returned "
				 "records follow the status model required by Amazon Data Firehose.";
static const char missing[] =
	"One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.";
static const char duplicated[] = "Multiple records were returned with the same record Id. Ensure that the Lambda "
				 "function returns a unique record Id for each record.";
static const char no_data[] =
	"The data field cannot be null when the SourceType is DirectPut or KinesisStreamAsSource and processing result is "
	"Ok. The value field cannot be null when the SourceType is MSKAsSource and processing result is Ok.";

static void processing_failed(struct fh_item *it, const struct fh_invocation *v, const char *code, const char *message)
{
	fh__fail(it, "processing-failed", code, message, v->attempts);
	it->lambda_arn = v->function;
}

void fh__fail_all(const struct fh_invocation *v, const char *code, const char *message)
{
	for (size_t i = 0; i < v->n; i++)
		processing_failed(v->items[i], v, code, message);
}

/* --- the event --- */

/* The same for the same item whenever it is asked, and opaque. */
static void record_id(const struct fh_item *it, char ret[RECORD_ID_MAX])
{
	(void)snprintf(ret, RECORD_ID_MAX, "%050" PRIu64 "%06" PRIu32, it->seq, it->sub);
}

static void add_base64(struct buf *b, struct view data)
{
	char *to = buf_reserve(b, base64_len(data.n));

	if (!to)
		return;
	base64_encode(to, data.p, data.n);
	b->n += base64_len(data.n);
}

void fh__event(const struct fh_invocation *v, struct buf *ret)
{
	char id[RECORD_ID_MAX];

	buf_printf(ret, "{\"invocationId\":\"%s\",\"deliveryStreamArn\":\"%s\",\"region\":\"%s\",\"records\":[", v->id,
		   v->stream_arn, v->region);
	for (size_t i = 0; i < v->n; i++) {
		record_id(v->items[i], id);
		buf_printf(ret, "%s{\"recordId\":\"%s\",\"approximateArrivalTimestamp\":%" PRId64 ",\"data\":\"",
			   i ? "," : "", id, v->items[i]->at_ms);
		add_base64(ret, v->items[i]->data);
		buf_add_str(ret, "\"}");
	}
	buf_add_str(ret, "]}");
}

/* --- the answer --- */

/* One key's value as text; VIEW_NONE: there is none that could stand in a name. */
static struct view key_text(struct arena *a, const struct json *value)
{
	if (json_is(value, JSON_STR))
		return json_str(value);
	if (json_is_number(value) || json_is(value, JSON_BOOL))
		return view_str(json_text(a, value));
	return VIEW_NONE;
}

static void take_keys(struct fh_batch *b, struct fh_item *it, const struct json *keys)
{
	size_t n = json_is(keys, JSON_OBJ) ? json_len(keys) : 0;
	struct fh_key *v;

	if (!n)
		return;
	v = ARENA_ARRAY(b->a, struct fh_key, n);
	for (size_t i = 0; i < n; i++) {
		struct view text = key_text(b->a, keys->obj.v[i].value);

		if (!text.n) {
			fh__fail(it, "metadata-extraction-failed", "DynamicPartitioning.MetadataExtractionFailed",
				 "partitionKeys values must not be null or empty", 1);
			return;
		}
		v[i] = (struct fh_key){ arena_view(b->a, keys->obj.v[i].name), arena_view(b->a, text) };
	}
	it->lambda = v;
	it->n_lambda = n;
}

static void take_ok(const struct fh_invocation *v, struct fh_batch *b, struct fh_item *it, const struct json *r)
{
	struct view text = json_get_str(r, "data");
	const struct json *keys = json_get(json_get(r, "metadata"), "partitionKeys");

	if (!text.p) {
		processing_failed(it, v, "Lambda.InvalidReturnFormat", no_data);
		return;
	}
	if (!fh__fits(b, text.n + 2 * json_text_size(keys, MIB) + json_len(keys) * sizeof(struct fh_key))) {
		processing_failed(it, v, "Lambda.FunctionError", "more data than fits together with its neighbours");
		return;
	}
	if (!base64_decode_arena(b->a, text, &it->data))
		processing_failed(it, v, "Lambda.FunctionError", "The data field is not base64.");
	else
		take_keys(b, it, keys);
}

enum result { OK, DROPPED, FAILED, UNKNOWN };

static enum result result_of(const struct json *r)
{
	struct view text = json_get_str(r, "result");

	return view_eq_str(text, "Ok")               ? OK :
	       view_eq_str(text, "Dropped")          ? DROPPED :
	       view_eq_str(text, "ProcessingFailed") ? FAILED :
						       UNKNOWN;
}

static void take_one(const struct fh_invocation *v, struct fh_batch *b, struct fh_item *it, const struct json *r)
{
	switch (result_of(r)) {
	case OK:
		take_ok(v, b, it, r);
		break;
	case DROPPED:
		it->dropped = true;
		break;
	default:
		processing_failed(it, v, "Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record");
	}
}

static bool results_are_known(const struct json *records)
{
	for (size_t i = 0; i < json_len(records); i++)
		if (result_of(json_at(records, i)) == UNKNOWN)
			return false;
	return true;
}

static const struct json twice; /* its address stands for a record that was answered more than once */

static void take_records(const struct fh_invocation *v, const struct json *records, struct fh_batch *b)
{
	char id[RECORD_ID_MAX];
	struct map by_id;

	map_init(&by_id);
	for (size_t i = 0; i < json_len(records); i++) {
		const struct json *r = json_at(records, i);
		struct view name = json_get_str(r, "recordId");

		if (name.p)
			map_put(&by_id, name, (void *)(uintptr_t)(map_get(&by_id, name) ? &twice : r));
	}
	for (size_t i = 0; i < v->n; i++) {
		const struct json *r;

		record_id(v->items[i], id);
		r = map_get(&by_id, view_str(id));
		if (!r)
			processing_failed(v->items[i], v, "Lambda.MissingRecordId", missing);
		else if (r == &twice)
			processing_failed(v->items[i], v, "Lambda.DuplicatedRecordId", duplicated);
		else
			take_one(v, b, v->items[i], r);
	}
	map_clear(&by_id);
}

void fh__answer(const struct fh_invocation *v, struct view answer, struct fh_batch *b)
{
	CLEANUP(arena_clear) struct arena a;
	struct err why = { 0 };
	const struct json *o, *records;

	arena_init(&a, LIMIT_ARENA);
	o = json_parse(&a, answer, ANSWER_DEPTH, &why);
	records = json_get(o, "records");
	if (!o)
		fh__fail_all(v, "Lambda.JsonProcessingException", not_parsed);
	else if (json_is(records, JSON_ARR) && !results_are_known(records))
		fh__fail_all(v, "Lambda.JsonProcessingException", not_parsed);
	else
		take_records(v, json_is(records, JSON_ARR) ? records : NULL, b);
}
