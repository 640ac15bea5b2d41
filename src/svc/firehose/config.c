/* SPDX-License-Identifier: Apache-2.0 */
/* config -- a destination's members checked and made ready for delivery; defaults; updates. */
#include "svc/firehose/config.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "os/file.h"
#include "svc/firehose/deliver.h"

#define ZONES "/usr/share/zoneinfo"
#define ZONE_BYTES_MAX (64 * KIB)
#define KEYS_MAX 50 /* partition keys of a Prefix */

int fh__invalid(const struct fh_check *x, const char *fmt, ...)
{
	char text[768];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return aws_fail(x->e, &FIREHOSE_INVALID, "%s.%s", x->kind, text);
}

/* What breaks a pattern of AWS's model. */
static int malformed(const struct fh_check *x, const char *member, struct view v, const char *what)
{
	return aws_fail(x->e, &AWS_VALIDATION, "%s.%s '%.*s' is not %s", x->kind, member, VIEW_ARG(v), what);
}

/* --- patterns of the model --- */

static bool all_of(struct view v, const char *also)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!alnum && (!c || !strchr(also, c)))
			return false;
	}
	return true;
}

bool fh__is_name(struct view v)
{
	return all_of(v, "_.-");
}

bool fh__is_role(struct view v)
{
	ptrdiff_t iam = view_find(v, VIEW(":iam::"));
	struct view account, rest;
	uint64_t n;

	if (!view_starts(v, VIEW("arn:")) || iam < 0)
		return false;
	rest = view_from(v, (size_t)iam + 6);
	account = view_sub(rest, 0, 12);
	rest = view_from(rest, 12);
	return account.n == 12 && view_u64(account, UINT64_MAX, &n) && view_starts(rest, VIEW(":role/")) && rest.n > 6 &&
	       all_of(view_from(rest, 6), "_+=,.@-/");
}

static struct view bucket_of(struct view arn)
{
	ptrdiff_t at = view_find(arn, VIEW(":s3:::"));
	struct view name = at < 0 ? VIEW_NONE : view_from(arn, (size_t)at + 6);

	return view_starts(arn, VIEW("arn:")) && name.n > 0 && name.n < 256 && all_of(name, "_.-") ? name : VIEW_NONE;
}

static bool is_extension(struct view v)
{
	static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyz!-_.*'()";

	for (size_t i = 1; i < v.n; i++)
		if (!v.p[i] || !strchr(allowed, v.p[i]))
			return false;
	return !v.n || (v.p[0] == '.' && v.n > 1);
}

/* --- one place: the destination, or the backup's --- */

static int parse_prefix(const struct fh_check *x, const struct json *d, const char *member, enum prefix_use use,
			const struct prefix **ret)
{
	struct view text = json_get_str(d, member);
	struct err why = { 0 };

	if (prefix_parse(x->a, text.p ? text : VIEW(""), use, ret, &why) < 0)
		return fh__invalid(x, "%s: %s", member, why.msg);
	return 0;
}

static int parse_prefixes(const struct fh_check *x, const struct json *d, struct fh_place *ret)
{
	struct view text = json_get_str(d, "Prefix");
	struct err why = { 0 };
	int rc = parse_prefix(x, d, "Prefix", PREFIX_DATA, &ret->prefix);

	ret->prefix_text = arena_str(x->a, text);

	if (!rc && json_get_str(d, "ErrorOutputPrefix").p)
		rc = parse_prefix(x, d, "ErrorOutputPrefix", PREFIX_ERROR, &ret->error_prefix);
	if (rc)
		return rc;
	if (prefix_check_pair(ret->prefix, ret->error_prefix, &why) < 0)
		return fh__invalid(x, "ErrorOutputPrefix: %s", why.msg);
	return 0;
}

static int parse_hints(const struct fh_check *x, const struct json *d, struct fh_place *ret)
{
	const struct json *hints = json_get(d, "BufferingHints");
	const struct json *size = json_get(hints, "SizeInMBs"), *interval = json_get(hints, "IntervalInSeconds");

	if (!size != !interval)
		return fh__invalid(x, "BufferingHints: SizeInMBs and IntervalInSeconds are given both, or neither of them");
	ret->size_mb = json_int(size, FIREHOSE_SIZE_MB);
	ret->interval_s = json_int(interval, FIREHOSE_INTERVAL_S);
	return 0;
}

static void parse_compression(const struct json *d, struct fh_place *ret)
{
	struct view format = json_get_str(d, "CompressionFormat");

	/* What is no format was refused by the operation's table. */
	if (!format.p || !pack_from_name(format, &ret->compression))
		ret->compression = PACK_NONE;
}

static int parse_logging(const struct fh_check *x, const struct json *d, struct fh_place *ret)
{
	const struct json *o = json_get(d, "CloudWatchLoggingOptions");
	struct view group = json_get_str(o, "LogGroupName"), stream = json_get_str(o, "LogStreamName");

	if (group.n && !all_of(group, "._/#-"))
		return malformed(x, "CloudWatchLoggingOptions.LogGroupName", group, "the name of a log group");
	if (view_chr(stream, ':') >= 0 || view_chr(stream, '*') >= 0)
		return malformed(x, "CloudWatchLoggingOptions.LogStreamName", stream, "the name of a log stream");
	if (!json_is_true(json_get(o, "Enabled")))
		return 0;
	if (!group.n || !stream.n)
		return fh__invalid(x, "CloudWatchLoggingOptions: LogGroupName and LogStreamName are needed when Enabled is true");
	ret->log_group = arena_str(x->a, group);
	ret->log_stream = arena_str(x->a, stream);
	return 0;
}

static int parse_place(const struct fh_check *x, const struct json *d, struct fh_place *ret)
{
	struct view role = json_get_str(d, "RoleARN"), arn = json_get_str(d, "BucketARN"), bucket = bucket_of(arn);
	int rc;

	if (!fh__is_role(role))
		return malformed(x, "RoleARN", role, "the ARN of a role");
	if (!bucket.p)
		return malformed(x, "BucketARN", arn, "the ARN of a bucket");
	ret->bucket = arena_str(x->a, bucket);
	rc = parse_prefixes(x, d, ret);
	if (!rc)
		rc = parse_hints(x, d, ret);
	if (rc)
		return rc;
	parse_compression(d, ret);
	return parse_logging(x, d, ret);
}

/* --- what only an extended destination has --- */

static bool is_on(const struct json *o, bool dflt)
{
	const struct json *enabled = json_get(o, "Enabled");

	return o && (enabled ? json_is_true(enabled) : dflt);
}

static int no_keys(const struct fh_check *x, const struct prefix *p)
{
	enum prefix_keys kind;
	struct view name;
	size_t at = 0;

	if (!prefix_next_key(p, &at, &kind, &name))
		return 0;
	return fh__invalid(x, "Prefix: !{partitionKeyFrom%s:%.*s} is for streams with dynamic partitioning",
			   kind == PREFIX_QUERY ? "Query" : "Lambda", VIEW_ARG(name));
}

static int parse_backup(const struct fh_check *x, const struct json *d, struct fh_config *ret)
{
	const struct json *to = json_get(d, "S3BackupConfiguration");
	struct fh_check sub = *x;
	struct fh_place *place;

	if (!view_eq_str(json_get_str(d, "S3BackupMode"), "Enabled"))
		return 0;
	if (!to)
		return fh__invalid(x, "S3BackupConfiguration is needed when S3BackupMode is Enabled");
	sub.kind = arena_printf(x->a, "%s.S3BackupConfiguration", x->kind);
	place = ARENA_NEW(x->a, struct fh_place);
	ret->backup = place;
	return parse_place(&sub, to, place) ? x->e->code : no_keys(&sub, place->prefix);
}

static int parse_processing(const struct fh_check *x, const struct json *d, struct fh_config *ret)
{
	const struct json *o = json_get(d, "ProcessingConfiguration");
	struct fh_processor *v;
	int rc;

	/* What is switched off is checked like the rest: it may be switched on without being given again. */
	rc = fh__stages_parse(x, o, &v, &ret->n_processors);
	if (rc || is_on(o, false)) {
		ret->processors = v;
		return rc;
	}
	fh__stages_release(v, ret->n_processors);
	ret->n_processors = 0;
	return 0;
}

static int parse_conversion(const struct fh_check *x, const struct json *d, struct fh_config *ret)
{
	const struct json *o = json_get(d, "DataFormatConversionConfiguration");
	struct fh_conversion *c;

	if (!is_on(o, true))
		return 0;
	if (ret->data.compression != PACK_NONE)
		return fh__invalid(x, "CompressionFormat has to be UNCOMPRESSED with DataFormatConversionConfiguration: the format "
				      "compresses by itself");
	if (json_int(json_get(json_get(d, "BufferingHints"), "SizeInMBs"), FIREHOSE_CONVERTED_MB) < FIREHOSE_CONVERTED_MIN_MB)
		return fh__invalid(x, "BufferingHints.SizeInMBs has to be at least %d with DataFormatConversionConfiguration",
				   FIREHOSE_CONVERTED_MIN_MB);
	c = ARENA_NEW(x->a, struct fh_conversion);
	ret->conversion = c;
	return fh__conversion_parse(x, o, c);
}

static int parse_zone(const struct fh_check *x, struct view name, struct fh_config *ret)
{
	CLEANUP(arena_clear) struct arena a;
	const struct zone *zone = NULL;
	struct err why = { 0 };
	struct view text;
	const char *path;

	arena_init(&a, MIB);
	for (size_t i = 0; i < name.n; i++) /* AWS's pattern, which keeps the path inside its folder as well */
		if (!strchr("/_", name.p[i]) && ((name.p[i] | 0x20) < 'a' || (name.p[i] | 0x20) > 'z'))
			return malformed(x, "CustomTimeZone", name, "the name of a time zone");
	if (view_eq_str(name, "UTC"))
		return 0;
	path = arena_printf(&a, ZONES "/%.*s", VIEW_ARG(name));
	if (name.p[0] == '/' || file_read(path, &a, ZONE_BYTES_MAX, &text, &why) < 0 || zone_parse(x->a, name, text, &zone, &why) < 0)
		return fh__invalid(x, "CustomTimeZone: %.*s is not a time zone of this system", VIEW_ARG(name));
	ret->zone = zone;
	return 0;
}

static int parse_names(const struct fh_check *x, const struct json *d, struct fh_config *ret)
{
	struct view extension = json_get_str(d, "FileExtension"), zone = json_get_str(d, "CustomTimeZone");

	if (!is_extension(extension))
		return malformed(x, "FileExtension", extension, "valid");
	if (extension.n)
		ret->extension = arena_str(x->a, extension);
	return zone.n ? parse_zone(x, zone, ret) : 0;
}

/* --- dynamic partitioning: the keys there are, and those that are asked for --- */

static bool is_asked(const struct prefix *p, const char *key)
{
	enum prefix_keys kind;
	struct view name;
	size_t at = 0;

	while (prefix_next_key(p, &at, &kind, &name))
		if (kind == PREFIX_QUERY && view_eq_str(name, key))
			return true;
	return false;
}

static bool is_there(struct view name, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (view_eq_str(name, keys[i]))
			return true;
	return false;
}

static int check_keys(const struct fh_check *x, const struct fh_config *c)
{
	const struct fh_processor *query = fh__stages_find(c->processors, c->n_processors, FH_METADATA);
	const bool lambda = fh__stages_find(c->processors, c->n_processors, FH_LAMBDA) != NULL;
	const char *const *keys = NULL;
	size_t n = query ? query->def->keys(query, &keys) : 0, at = 0, asked = 0;
	enum prefix_keys kind;
	struct view name;

	for (; prefix_next_key(c->data.prefix, &at, &kind, &name); asked++) {
		if (kind == PREFIX_QUERY && !is_there(name, keys, n))
			return fh__invalid(x, "Prefix: !{partitionKeyFromQuery:%.*s}: the MetadataExtractionQuery makes no such key",
					   VIEW_ARG(name));
		if (kind == PREFIX_LAMBDA && !lambda)
			return fh__invalid(x, "Prefix: !{partitionKeyFromLambda:%.*s}: there is no Lambda processor", VIEW_ARG(name));
	}
	for (size_t i = 0; i < n; i++)
		if (!is_asked(c->data.prefix, keys[i]))
			return fh__invalid(x, "Prefix: the key %s of the MetadataExtractionQuery is not used", keys[i]);
	if (!asked)
		return fh__invalid(x, "Prefix: with dynamic partitioning it has to contain a partition key");
	if (asked > KEYS_MAX)
		return fh__invalid(x, "Prefix: at most %d partition keys", KEYS_MAX);
	return 0;
}

static int check_partitioning(const struct fh_check *x, const struct json *d, struct fh_config *ret)
{
	ret->partitioned = is_on(json_get(d, "DynamicPartitioningConfiguration"), false);
	if (ret->partitioned)
		return check_keys(x, ret);
	if (fh__stages_find(ret->processors, ret->n_processors, FH_METADATA))
		return fh__invalid(x, "ProcessingConfiguration.Processors: MetadataExtraction is for streams with dynamic partitioning");
	return no_keys(x, ret->data.prefix);
}

static int check_length(const struct fh_check *x, const struct fh_config *c)
{
	const struct prefix_env none = { .at_ms = 0 };

	if (fh__prefix_fits(x->stream, c, &none))
		return 0;
	return fh__invalid(x, "Prefix: object names would be longer than 1024 bytes");
}

int fh__config_parse(const struct fh_check *x, const struct json *d, struct fh_config *ret)
{
	int rc;

	*ret = (struct fh_config){ .extension = NULL };
	rc = parse_place(x, d, &ret->data);
	if (!rc)
		rc = parse_names(x, d, ret);
	if (!rc)
		rc = parse_conversion(x, d, ret);
	if (!rc)
		rc = parse_backup(x, d, ret);
	if (!rc)
		rc = check_length(x, ret);
	/* What stages hold outside of the arena is released by fh__config_release(), also after a failure. */
	if (!rc)
		rc = parse_processing(x, d, ret);
	if (!rc)
		rc = check_partitioning(x, d, ret);
	ret->fixed = !rc && !ret->conversion && !fh__stages_vary(ret->processors, ret->n_processors);
	return rc;
}

bool fh__is_slow(const struct fh_config *c)
{
	return fh__stages_find(c->processors, c->n_processors, FH_LAMBDA) != NULL;
}

void fh__config_release(struct fh_config *c)
{
	fh__stages_release(c->processors, c->n_processors);
	c->n_processors = 0;
}

/* --- defaults: what Describe shows though it was not given --- */

static void dflt(struct arena *a, struct json *o, const char *name, const struct json *v)
{
	if (!json_get(o, name))
		json_set(a, o, name, v);
}

static struct json *pair(struct arena *a, const char *name, const struct json *v)
{
	struct json *o = json_new_obj(a);

	json_set(a, o, name, v);
	return o;
}

static void plain_defaults(struct arena *a, struct json *o, bool converted)
{
	struct json *hints = pair(a, "SizeInMBs", json_new_int(a, converted ? FIREHOSE_CONVERTED_MB : FIREHOSE_SIZE_MB));

	json_set_int(a, hints, "IntervalInSeconds", FIREHOSE_INTERVAL_S);
	dflt(a, o, "BufferingHints", hints);
	if (!json_len(json_get(o, "BufferingHints")))
		json_set(a, o, "BufferingHints", hints);
	dflt(a, o, "CompressionFormat", json_new_cstr(a, "UNCOMPRESSED"));
	dflt(a, o, "EncryptionConfiguration", pair(a, "NoEncryptionConfig", json_new_cstr(a, "NoEncryption")));
	dflt(a, o, "CloudWatchLoggingOptions", pair(a, "Enabled", &json_false));
}

/* @o's member @name as a copy that may be changed, or NULL. */
static struct json *own(struct arena *a, struct json *o, const char *name)
{
	const struct json *v = json_get(o, name);
	struct json *copy;

	if (!json_is(v, JSON_OBJ))
		return NULL;
	copy = json_copy(a, v);
	json_set(a, o, name, copy);
	return copy;
}

/* Parameters that AWS shows though they were not given; a NULL value is the destination's role. */
static const struct {
	const char *type, *name, *value;
} parameters[] = {
	{ "Decompression", "CompressionFormat", "GZIP" },
	{ "Lambda", "NumberOfRetries", "3" },
	{ "Lambda", "RoleArn", NULL },
	{ "Lambda", "BufferSizeInMBs", "1" },
	{ "Lambda", "BufferIntervalInSeconds", "60" },
};

static bool has_parameter(const struct json *list, const char *name)
{
	for (size_t i = 0; i < json_len(list); i++)
		if (view_eq_str(json_get_str(json_at(list, i), "ParameterName"), name))
			return true;
	return false;
}

static const struct json *processor_defaults(struct arena *a, const struct json *processor, struct view role)
{
	const struct json *given = json_get(processor, "Parameters");
	struct json *o = json_copy(a, processor), *list = json_is(given, JSON_ARR) ? json_copy(a, given) : json_new_arr(a);

	if (!json_is(processor, JSON_OBJ))
		return processor;
	for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
		struct json *p;

		if (!view_eq_str(json_get_str(processor, "Type"), parameters[i].type) || has_parameter(list, parameters[i].name))
			continue;
		p = json_new_obj(a);
		json_set_str(a, p, "ParameterName", parameters[i].name);
		json_set(a, p, "ParameterValue",
			 json_new_str(a, parameters[i].value ? view_str(parameters[i].value) : role));
		json_push(a, list, p);
	}
	json_set(a, o, "Parameters", list);
	return o;
}

static const struct json *processors_defaults(struct arena *a, const struct json *processors, struct view role)
{
	struct json *list = json_new_arr(a);

	for (size_t i = 0; i < json_len(processors); i++)
		json_push(a, list, processor_defaults(a, json_at(processors, i), role));
	return list;
}

const struct json *fh__config_defaults(struct arena *a, const struct json *destination)
{
	struct json *o = json_copy(a, destination), *sub = own(a, o, "DataFormatConversionConfiguration");

	if (sub)
		dflt(a, sub, "Enabled", &json_true); /* the opposite of ProcessingConfiguration's */
	plain_defaults(a, o, sub && json_is_true(json_get(sub, "Enabled")));
	sub = own(a, o, "ProcessingConfiguration");
	if (sub) {
		dflt(a, sub, "Enabled", &json_false);
		dflt(a, sub, "Processors", json_new_arr(a));
		json_set(a, sub, "Processors", processors_defaults(a, json_get(sub, "Processors"), json_get_str(o, "RoleARN")));
	}
	sub = own(a, o, "DynamicPartitioningConfiguration");
	if (sub && json_is_true(json_get(sub, "Enabled")))
		dflt(a, sub, "RetryOptions", pair(a, "DurationInSeconds", json_new_int(a, 300)));
	sub = own(a, o, "S3BackupConfiguration");
	if (sub)
		plain_defaults(a, sub, false);
	return o;
}

/* --- updates --- */

static void merge(struct arena *a, struct json *into, const struct json *from)
{
	for (size_t i = 0; i < json_len(from); i++)
		json_set_view(a, into, from->obj.v[i].name, from->obj.v[i].value);
}

/* A member of two that is merged itself: what the update does not name stays. */
static void merge_member(struct arena *a, struct json *into, const char *name, const struct json *from)
{
	struct json *sub = own(a, into, name);

	if (!sub) {
		json_set(a, into, name, from);
		return;
	}
	merge(a, sub, from);
}

/* Of AWS's merging only this is known: conversion is merged member by member, processing is replaced as a whole.  The
 * backup's update is a type of its own without required members, so it is merged; all others are replaced. */
const struct json *fh__config_merge(struct arena *a, const struct json *stored, const struct json *update)
{
	struct json *o = json_copy(a, stored);

	for (size_t i = 0; i < json_len(update); i++) {
		const struct json_member *m = &update->obj.v[i];

		if (view_eq_str(m->name, "S3BackupUpdate"))
			merge_member(a, o, "S3BackupConfiguration", m->value);
		else if (view_eq_str(m->name, "DataFormatConversionConfiguration"))
			merge_member(a, o, "DataFormatConversionConfiguration", m->value);
		else
			json_set_view(a, o, m->name, m->value);
	}
	return o;
}
