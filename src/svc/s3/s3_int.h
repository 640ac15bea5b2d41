/* SPDX-License-Identifier: Apache-2.0 */
/* s3_int -- what the files of this folder share. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "os/crypto.h"
#include "os/md5_pool.h"
#include "os/thread.h"
#include "svc/s3/s3.h"
#include "svc/s3/s3_sse.h"

#define S3_PART_MIN (5 * 1024 * 1024LL)
#define S3_PARTS_MAX 10000
#define S3_TAGS_MAX 10
#define S3_BUCKET_TAGS_MAX 50
#define S3_PAGE_MAX 1000
#define S3_DELETE_MAX 1000
#define S3_NOTIFY_MAX 100 /* configurations of a bucket and kind */
#define S3_CORS_RULES_MAX 100
#define S3_META_MAX 2048

struct s3_doomed;
struct s3_guards;
struct s3_reading;
struct s3_used;

struct s3_expire { /* see expire.c; guarded by s3.lock where not said otherwise */
	struct cond wake;
	bool stop, changed;
	atomic_bool used;	   /* some bucket has, or had, lifecycle rules */
	int64_t every_ms, day_ms;  /* constant; every_ms 0: no thread */
	bool runs;
	pthread_t thread;
	char *key, *id;		   /* of the thread alone */
};

struct s3_scrubber { /* see scrubber.c; of its thread alone where not said otherwise */
	struct cond wake;
	bool stop;                /* under s3.lock, as the walks are changed */
	struct s3_walk now, last;
	int64_t every_s;          /* constant; 0: no thread */
	bool runs;
	pthread_t thread;
	char *next;               /* where the walk is; NULL: there is none */
	int64_t rate;             /* bytes per second */
	int64_t due_ns, kept_ns;  /* when more may be read; when it was last kept where the walk is */
};

struct s3 {
	struct meta *meta;
	struct blob_store *blob;
	struct events_port events;
	char *region, *account;
	char owner_id[65];
	int64_t (*now_ms)(void);
	struct md5_pool *md5; /* of bodies that are received */
	struct s3_guards *guards; /* guard.c */
	char *master_path; /* NULL: nothing can be encrypted */
	bool master_made, encrypt_all;
	struct s3_master master; /* since s3_start() */
	struct map encrypts; /* buckets that encrypt by default; under lock */
	bool open_buckets;
	struct s3_expire expire;
	struct s3_scrubber scrubber;
	uint64_t last_seq; /* meta's writer thread only, as the next */
	int64_t doomed_id; /* last one given to a row of s3_doomed */
	uint64_t start_seq, swept_seq; /* last write before this start; before the run that may have left litter */
	/* reap.c: */
	struct lock lock;
	struct cond wake, settled;
	struct s3_doomed *doomed, **doomed_tail;
	struct s3_reading *reading; /* oldest first */
	struct s3_reading *reading_last;
	uint64_t ticket;
	bool stop, recover, reaping;
	pthread_t reaper;
	/* the reaper's own: */
	int64_t recover_id; /* rows of s3_doomed up to this one are from before the start */
	int64_t reaped_id;  /* blobs of rows up to this one are deleted */
	unsigned reaped;    /* rows whose blobs are, since rows were last deleted */
	bool remember;      /* a deletion failed: all rows stay */
	struct s3_used *used;
	struct map
		joined; /* first reference of an object in parts -> one blob of all (char *); see port.c */
};

/* --- errors.c --- */
#define S3_ERRORS(X) \
	X(NO_SUCH_BUCKET, "NoSuchBucket", 404) \
	X(NO_SUCH_KEY, "NoSuchKey", 404) \
	X(NO_SUCH_UPLOAD, "NoSuchUpload", 404) \
	X(ACCESS_DENIED, "AccessDenied", 403) \
	X(INVALID_STORAGE_CLASS, "InvalidStorageClass", 400) \
	X(NO_SUCH_CORS, "NoSuchCORSConfiguration", 404) \
	X(NO_SUCH_VERSION, "NoSuchVersion", 404) \
	X(BUCKET_EXISTS, "BucketAlreadyExists", 409) \
	X(BUCKET_OWNED, "BucketAlreadyOwnedByYou", 409) \
	X(BUCKET_NOT_EMPTY, "BucketNotEmpty", 409) \
	X(INVALID_BUCKET_NAME, "InvalidBucketName", 400) \
	X(ILLEGAL_LOCATION, "IllegalLocationConstraintException", 400) \
	X(INVALID_ARGUMENT, "InvalidArgument", 400) \
	X(INVALID_REQUEST, "InvalidRequest", 400) \
	X(INVALID_RANGE, "InvalidRange", 416) \
	X(INVALID_PART_NUMBER, "InvalidPartNumber", 416) \
	X(INVALID_DIGEST, "InvalidDigest", 400) \
	X(BAD_DIGEST, "BadDigest", 400) \
	X(INVALID_PART, "InvalidPart", 400) \
	X(INVALID_PART_ORDER, "InvalidPartOrder", 400) \
	X(ENTITY_TOO_SMALL, "EntityTooSmall", 400) \
	X(INVALID_TAG, "InvalidTag", 400) \
	X(BAD_REQUEST, "BadRequest", 400) \
	X(KEY_TOO_LONG, "KeyTooLongError", 400) \
	X(METADATA_TOO_LARGE, "MetadataTooLarge", 400) \
	X(MALFORMED_XML, "MalformedXML", 400) \
	X(METHOD_NOT_ALLOWED, "MethodNotAllowed", 405) \
	X(INVALID_BUCKET_STATE, "InvalidBucketState", 409) \
	X(ILLEGAL_VERSIONING, "IllegalVersioningConfigurationException", 400) \
	X(MALFORMED_POLICY, "MalformedPolicy", 400) \
	X(POLICY_TOO_LARGE, "PolicyTooLarge", 400) \
	X(NO_SUCH_POLICY, "NoSuchBucketPolicy", 404) \
	X(NO_SUCH_BLOCK, "NoSuchPublicAccessBlockConfiguration", 404) \
	X(NO_SUCH_WEBSITE, "NoSuchWebsiteConfiguration", 404) \
	X(NO_SUCH_REPLICATION, "ReplicationConfigurationNotFoundError", 404) \
	X(ACL_NOT_SUPPORTED, "AccessControlListNotSupported", 400) \
	X(BUCKET_ACL, "InvalidBucketAclWithObjectOwnership", 400) \
	X(MISSING_SECURITY_HEADER, "MissingSecurityHeader", 400) \
	X(CONFLICT, "ConditionalRequestConflict", 409) \
	X(OPERATION_ABORTED, "OperationAborted", 409) \
	X(INVALID_ENCRYPTION, "InvalidEncryptionAlgorithmError", 400) \
	X(NO_ENCRYPTION, "ServerSideEncryptionConfigurationNotFoundError", 404) \
	X(NO_OBJECT_LOCK, "NoSuchObjectLockConfiguration", 404) \
	X(NO_LOCK_CONFIG, "ObjectLockConfigurationNotFoundError", 404) \
	X(NO_LIFECYCLE, "NoSuchLifecycleConfiguration", 404) \
	X(NO_TAG_SET, "NoSuchTagSet", 404) \
	X(INVALID_RETENTION, "InvalidRetentionPeriod", 400) \
	X(PRECONDITION_FAILED, "PreconditionFailed", 412)

#define X(id, code, status) extern const struct aws_error S3_##id;
S3_ERRORS(X)
#undef X
extern const struct aws_error *const s3__errors[];

/* --- checksum.c --- */
enum s3_ck_algo { /* stored: numbers stay */
	CK_NONE,
	CK_CRC32,
	CK_CRC32C,
	CK_CRC64NVME,
	CK_SHA1,
	CK_SHA256,
	CK_SHA512,
	CK_MD5,
	CK_XXHASH64,
	CK_XXHASH3,
	CK_XXHASH128,
	CK_COUNT
};
#define CK_TEXT 96 /* base64 of 64 bytes, and "-10000" of a composite one */

struct s3_ck_name {
	const char *name;   /* "CRC32" */
	const char *header; /* "x-amz-checksum-crc32" */
	const char *member; /* "ChecksumCRC32" */
	size_t len;         /* bytes */
};
extern const struct s3_ck_name s3__ck_names[CK_COUNT];

struct s3_ck { /* of a stored object */
	enum s3_ck_algo algo;
	bool composite;
	char value[CK_TEXT];
};

struct in_ck { /* the checksum members of a request */
	const char *algorithm;
	const char *value[CK_COUNT];
};

struct s3_claim { /* what the client says that its bytes' checksum is */
	enum s3_ck_algo algo;
	const char *value; /* NULL: comes as trailer, or is to be computed */
	bool trailer;
	uint8_t md5[16];
	bool has_md5;
};

#define S3_SUMS_DIGESTS 3
#define S3_SUMS_XXHS 3
struct s3_sums {       /* digests on the way */
	unsigned want; /* bits of 1 << algo */
	uint64_t size;
	struct md5_job md5;
	bool shared; /* the MD5 is left to the pool */
	struct digest *digest[S3_SUMS_DIGESTS];
	struct xxh *xxh[S3_SUMS_XXHS];
	uint32_t crc32, crc32c;
	uint64_t crc64;
};
struct s3_summed {
	uint64_t size;
	char md5_hex[33];
	char value[CK_COUNT][CK_TEXT]; /* "" where it was not wanted */
};

const char *s3__ck_lower(enum s3_ck_algo algo); /* as some of S3's messages write it: "crc32" */
enum s3_ck_algo s3__ck_algo(const char *name); /* of "CRC32", ...; CK_NONE if NULL or unknown */
/* @content_md5 may be NULL. */
int s3__claim(struct op_ctx *cx, const struct in_ck *in, const char *content_md5,
	      struct s3_claim *ret);
/* After the body's end. */
int s3__claim_check(struct op_ctx *cx, const struct s3_claim *c, const struct s3_summed *got);
void s3__sums_begin(struct s3_sums *x, unsigned want);
/* After the beginning: what is added stays untouched until the next piece is added, or the end. */
void s3__sums_share(struct s3_sums *x, struct md5_pool *pool);
void s3__sums_add(struct s3_sums *x, const void *p, size_t n);
void s3__sums_end(struct s3_sums *x, struct s3_summed *ret);
void s3__sums_drop(struct s3_sums *x);
/* Checksum of a || b from theirs; base64 texts; CRCs only. */
bool s3__ck_combine(enum s3_ck_algo algo, const char *a, const char *b, uint64_t b_len,
		    char ret[CK_TEXT]);
void s3__ck_out_headers(struct out *o, const struct s3_ck *ck);
void s3__ck_out(struct out *o, const struct s3_ck *ck); /* as members */

/* --- rows (index.c) --- */
struct s3_part {
	const char *ref;
	uint64_t size;
	const char *ck; /* of multipart objects, base64; else NULL */
};

struct s3_info { /* what is stored with the bytes and comes back with them */
	const char *content_type, *cache_control, *disposition, *encoding, *language, *expires;
	struct op_pair *meta;
	size_t n_meta;
};

struct s3_tags {
	struct op_pair *v;
	size_t n;
};

enum s3_versioning { S3_VERSIONING_OFF, S3_VERSIONING_ENABLED, S3_VERSIONING_SUSPENDED };

struct s3_row { /* one version of an object, or a delete marker */
	const char *bucket, *key;
	uint64_t seq;  /* the write that made it; greater is newer, no two are equal */
	bool vnull;    /* its version id is "null" */
	bool marker;   /* a delete marker: nothing but bucket, key, seq, vnull and modified_ms mean something */
	enum s3_versioning versioning; /* of the bucket, when the row was read; not stored here */
	const char *lock; /* retention and legal hold; NULL or "": none */
	const char *sse;  /* how the bytes are encrypted (s3__sse_text()); NULL or "": they are not */
	const struct s3_sse *customer; /* the key to read with, if the client has brought it; not stored */
	uint64_t size;
	const char *etag; /* without quotes */
	int64_t modified_ms;
	struct s3_ck ck;
	bool multipart;
	struct s3_info info;
	struct s3_tags tags;
	struct s3_part *parts;
	size_t n_parts;
};

struct s3_who { /* of the event */
	const char *request_id, *requester, *source_ip, *reason;
};

struct s3_publish {
	struct s3_row row;
	const char *if_match, *if_none_match;
	struct s3_who who;
	bool same_bytes; /* of what it replaces: they stay */
	const char *expiration; /* set: x-amz-expiration, or NULL */
	char *old_parts; /* set: what was replaced and is doomed; in @arena */
	struct arena *arena;
};

struct s3_upload {
	const char *id, *bucket, *key;
	int64_t created_ms;
	struct s3_ck ck; /* value: of the completed object */
	const char *sse; /* as of a row */
	struct s3_info info;
	struct s3_tags tags;
	const char *lock; /* of the object to come; NULL or "": none asked for */
	const char *initiator; /* who began it, as S3 tells it; "": not known */
	const char *done_etag, *done_list; /* NULL while open */
};

struct s3_up_part {
	int64_t n;
	uint64_t size;
	const char *md5_hex, *ck, *ref;
	int64_t modified_ms;
};

#define S3_NOTIFY_BUS 1U     /* EventBridge */
#define S3_NOTIFY_TARGETS 2U /* those of the document "notification" in s3_config */
struct s3_bucket {
	const char *name;
	int64_t created_ms;
	unsigned notify; /* who is told of its events: S3_NOTIFY_* */
	enum s3_versioning versioning; /* s3__bucket_list() leaves this and the next out */
	bool lock; /* object lock can be used */
	char owner[13]; /* account; "": the server's */
};

extern const char s3__ddl[];
extern const char *const s3__steps[];
/* 1 found, 0 not, negative. */
int s3__bucket_find(struct meta_tx *tx, const char *name, struct s3_bucket *ret, struct err *e);
/* NoSuchBucket if absent. */
int s3__bucket_need(struct meta_tx *tx, const char *name, struct s3_bucket *ret, struct err *e);
int s3__bucket_insert(struct meta_tx *tx, const char *name, const char *owner, int64_t now_ms,
		      struct err *e); /* ERR_EXISTS */
int s3__bucket_remove(struct meta_tx *tx, const char *name,
		      struct err *e); /* and its uploads' rows */
int s3__bucket_in_use(struct meta_tx *tx, const char *name, struct err *e); /* 1, 0, negative */
int s3__bucket_notify(struct meta_tx *tx, const char *name, unsigned notify, struct err *e);
int s3__bucket_lock(struct meta_tx *tx, const char *name, struct err *e); /* for good; versions are kept from now on */
int s3__bucket_versioning(struct meta_tx *tx, const char *name, enum s3_versioning v,
			  struct err *e);
/* Of one @owner. */
int s3__bucket_list(struct meta_tx *tx, const char *owner, const char *prefix, const char *after, size_t max,
		    struct arena *a, struct s3_bucket **ret, size_t *ret_n, struct err *e);

/* What s3_object and s3_version have in common, in the order of s3__row_parse(); behind it come seq, versioning, marker. */
#define S3_ROW \
	"size, etag, modified_ms, ck_algo, ck_composite, ck_value, multipart, info, tags, parts, " \
	"vnull, lock, sse"
#define S3_ROW_VERSIONING "(SELECT versioning FROM s3_bucket WHERE name = ?)"
int s3__row_parse(const struct tx_rows *r, struct arena *a, struct s3_row *ret, struct err *e);

/* What a request without a version id sees. */
int s3__object_find(struct meta_tx *tx, const char *bucket, const char *key, struct arena *a,
		    struct s3_row *ret, struct err *e); /* 1, 0, negative */
int s3__object_need(struct meta_tx *tx, const char *bucket, const char *key, struct arena *a,
		    struct s3_row *ret, struct err *e); /* NoSuchBucket, NoSuchKey */
/* Replaces what is there; s3__version_retire() before it keeps that. */
int s3__object_put(struct meta_tx *tx, const struct s3_row *r, struct arena *a, struct err *e);
int s3__object_remove(struct meta_tx *tx, const char *bucket, const char *key, struct err *e);
/* Texts of a row's columns, and back. */
char *s3__info_text(struct arena *a, const struct s3_info *i);
int s3__info_parse(struct arena *a, struct view text, struct s3_info *ret, struct err *e);
char *s3__tags_text(struct arena *a, const struct s3_tags *t);
int s3__tags_parse(struct arena *a, struct view text, struct s3_tags *ret, struct err *e);
int s3__parts_parse(struct arena *a, struct view text, struct s3_row *ret, struct err *e);
void s3__ck_parse(struct s3_ck *ret, int64_t algo, int64_t composite, struct view value);
uint64_t s3__max_seq(struct meta_tx *tx, struct err *e);
char *s3__parts_text(struct arena *a, const struct s3_part *p, size_t n);

/* Keys from @from (inclusive) to @to (exclusive; n 0: the end), in order; columns for s3__scan_row(). */
int s3__scan(struct meta_tx *tx, struct tx_rows **ret, const char *bucket, struct view from,
	     struct view to, size_t max, struct err *e);
struct s3_entry {
	const char *key, *etag;
	uint64_t size;
	int64_t modified_ms;
	enum s3_ck_algo algo;
	bool composite;
	/* s3__version_row() only: */
	bool vnull, marker;
	uint64_t seq;
};
void s3__scan_row(const struct tx_rows *r, struct arena *a, struct s3_entry *ret);

/* --- versions (index_version.c) --- */
struct s3_vid {
	bool null;
	uint64_t seq;
};
int s3__vid_parse(const char *text, struct s3_vid *ret, struct err *e); /* InvalidArgument */
const char *s3__vid_text(struct arena *a, const struct s3_row *r);
/* As answers give it: NULL where versioning was never on. */
const char *s3__vid_out(struct arena *a, const struct s3_row *r);
/* As the answer to what wrote it gives it: NULL for a null version, also while versions are suspended. */
const char *s3__vid_written(struct arena *a, const struct s3_row *r);
/* That version, which may be a delete marker: 1, 0, negative. */
int s3__version_find(struct meta_tx *tx, const char *bucket, const char *key,
		     const struct s3_vid *id, struct arena *a, struct s3_row *ret, struct err *e);
/* The newest of a key, which may be a delete marker: 1, 0, negative. */
int s3__version_newest(struct meta_tx *tx, const char *bucket, const char *key, struct arena *a,
		       struct s3_row *ret, struct err *e);
/* What a plain request sees of the key becomes an older version. */
int s3__version_retire(struct meta_tx *tx, const char *bucket, const char *key, struct err *e);
/* Removes exactly this row; s3__version_promote() then shows what is newest, unless that is a marker. */
int s3__version_remove(struct meta_tx *tx, const struct s3_row *r, struct err *e);
int s3__version_promote(struct meta_tx *tx, const char *bucket, const char *key, struct err *e);
int s3__version_marker(struct meta_tx *tx, const struct s3_row *r, struct err *e); /* adds one */
int s3__version_retag(struct meta_tx *tx, const struct s3_row *r, const struct s3_tags *t,
		      struct arena *a, struct err *e);
int s3__version_relock(struct meta_tx *tx, const struct s3_row *r, const char *lock, struct err *e);
/* All versions and markers of keys from @from (inclusive) to @to (exclusive; n 0: the end), newest first for a key; of
 * the key @from only those older than @before (0: all).  Columns for s3__version_row(). */
int s3__version_scan(struct meta_tx *tx, struct tx_rows **ret, const char *bucket, struct view from,
		     uint64_t before, struct view to, size_t max, struct err *e);
void s3__version_row(const struct tx_rows *r, struct arena *a, struct s3_entry *ret);

/* --- configuration of buckets (config.c); @doc is JSON in the SDK's shape --- */
int s3__config_get(struct meta_tx *tx, const char *bucket, const char *kind, struct arena *a,
		   const char **ret, struct err *e); /* 1, 0, negative */
int s3__config_put(struct meta_tx *tx, const char *bucket, const char *kind, const char *doc,
		   struct err *e);
/* The first bucket behind @after that has such a document; @ret_bucket is untouched if none has. */
int s3__config_next(struct meta_tx *tx, const char *kind, const char *after, struct arena *a,
		    const char **ret_bucket, const char **ret_doc, struct err *e);
int s3__config_remove(struct meta_tx *tx, const char *bucket, const char *kind, struct err *e);

/* --- lifecycle.c, expire.c --- */
/* When and by which rule a current version will go, as x-amz-expiration has it; NULL: by none. */
int s3__expiration(struct meta_tx *tx, const struct s3 *s, const struct s3_row *r, struct arena *a,
		   const char **ret, struct err *e);
/* @every_s 0: no thread, s3__expire_walk() is called by hand (tests).  @day_s: length of a rule's day, 0: 24 hours. */
void s3__expire_init(struct s3 *s, int64_t every_s, int64_t day_s);
int s3__expire_start(struct s3 *s, struct err *e);
void s3__expire_stop(struct s3 *s);
void s3__expire_wake(struct s3 *s);   /* rules changed */
size_t s3__expire_walk(struct s3 *s); /* all buckets once; how many versions and uploads went */

/* --- lock.c: retention and legal hold --- */
#define S3_KIND_LOCK "object-lock" /* ObjectLockConfiguration */

enum s3_lock_mode { LOCK_NONE, LOCK_GOVERNANCE, LOCK_COMPLIANCE };
enum s3_hold { HOLD_NEVER, HOLD_OFF, HOLD_ON };
struct s3_lock { /* what s3_row.lock says */
	enum s3_lock_mode mode;
	int64_t until_ms; /* LOCK_NONE: nothing */
	enum s3_hold hold;
};
struct in_lock { /* members of requests that make an object */
	const char *mode, *hold;
	struct opt_int until;
};

const char *s3__lock_mode_text(enum s3_lock_mode m); /* NULL of LOCK_NONE */
enum s3_lock_mode s3__lock_mode(const char *text);   /* of one of its texts, or NULL */
const char *s3__hold_text(enum s3_hold h);	     /* NULL of HOLD_NEVER */
int s3__lock_parse(struct arena *a, const char *text, struct s3_lock *ret, struct err *e);
const char *s3__lock_text(struct arena *a, const struct s3_lock *l); /* NULL where there is nothing to say */
/* AccessDenied while the version is held or retained; @bypass ends governance only. */
int s3__lock_allows_delete(struct arena *a, const struct s3_row *r, int64_t now_ms, bool bypass,
			   struct err *e);
/* AccessDenied where @new retains less than @old, or in another way, and @old still counts. */
int s3__lock_allows_change(const struct s3_lock *old, const struct s3_lock *new, int64_t now_ms,
			   bool bypass, struct err *e);
/* Gives @r the bucket's default retention, if there is one and the request named none. */
int s3__lock_default(struct meta_tx *tx, struct s3_row *r, int64_t now_ms, struct arena *a,
		     struct err *e);
int s3__lock_possible(const struct s3_bucket *b, struct err *e); /* InvalidRequest */
int s3__lock_from(struct op_ctx *cx, const struct in_lock *in, const char **ret);
int s3__lock_out(struct op_ctx *cx, struct out *o, const struct s3_row *r); /* headers */

/* --- uploads (index_upload.c) --- */
int s3__upload_insert(struct meta_tx *tx, const struct s3_upload *u, struct arena *a,
		      struct err *e);
/* NoSuchUpload unless @id is one of @bucket and @key. */
int s3__upload_need(struct meta_tx *tx, const char *bucket, const char *key, const char *id,
		    struct arena *a, struct s3_upload *ret, struct err *e);
int s3__upload_done(struct meta_tx *tx, const struct s3_upload *u, int64_t now_ms, struct err *e);
/* The rows and, after the commit, the bytes of an upload that has not ended (multipart.c). */
int s3__upload_abort(struct meta_tx *tx, struct s3 *s, const char *id, struct arena *a, struct err *e);
int s3__upload_remove(struct meta_tx *tx, const char *id, struct err *e); /* and its parts' rows */
int s3__upload_scan(struct meta_tx *tx, struct tx_rows **ret, const char *bucket, struct view from,
		    const char *after_id, struct view to, size_t max, struct err *e);
void s3__upload_row(const struct tx_rows *r, struct arena *a, struct s3_upload *ret);
struct s3_refs { /* in pieces: a bucket may have millions of parts */
	struct s3_refs *next;
	const char *text; /* for s3__doom_tx() */
};
/* Of the parts of all uploads of a bucket.  BucketNotEmpty: too many to be taken up at once. */
int s3__uploads_of(struct meta_tx *tx, const char *bucket, struct arena *a, struct s3_refs **ret,
		   struct err *e);
int s3__part_put(struct meta_tx *tx, const char *upload, const struct s3_up_part *p,
		 struct arena *a, char **ret_old, struct err *e);
int s3__parts(struct meta_tx *tx, const char *upload, int64_t after, size_t max, struct arena *a,
	      struct s3_up_part **ret, size_t *ret_n, struct err *e);
int s3__forget_done(struct meta_tx *tx, int64_t before_ms, struct err *e);

/* --- recovery (index_litter.c) --- */
int s3__doomed_insert(struct meta_tx *tx, int64_t id, const char *parts, struct err *e);
int s3__doomed_last(struct meta_tx *tx, int64_t *ret, struct err *e); /* 0: none */
struct s3_doomed_row {
	int64_t id;
	const char *parts;
};
/* Those after @after up to @to, at most @max, fewer where they are long; none: there are no more. */
int s3__doomed_page(struct meta_tx *tx, int64_t after, int64_t to, struct arena *a, struct s3_doomed_row *ret,
		    size_t max, size_t *ret_n, struct err *e);
int s3__doomed_forget(struct meta_tx *tx, int64_t to, struct err *e);
int s3__swept_get(struct meta_tx *tx, uint64_t *ret, struct err *e);
int s3__swept_set(struct meta_tx *tx, uint64_t seq, struct err *e);
/* @fn for every blob that a row with a number greater than @seq names, or one of an upload, or of s3_doomed. */
typedef void (*s3_ref_fn)(void *arg, const char *ref);
int s3__refs_since(struct meta_tx *tx, uint64_t seq, s3_ref_fn fn, void *arg, struct err *e);

/* --- notify.c: events, written in the transaction of their cause --- */
/* All of them tell whom @b wants to be told.  What happened is in who.reason, by AWS's names: "PutObject", "POST Object",
 * "CopyObject", "CompleteMultipartUpload"; "DeleteObject", S3_REASON_EXPIRED. */
#define S3_REASON_EXPIRED "Lifecycle Expiration"
/* Who deletes what a lifecycle rule ends: with it s3__delete_tx() tells of an expiration. */
struct s3_who s3__who_expired(struct arena *a);
int s3__emit_created(struct meta_tx *tx, struct s3 *s, const struct s3_bucket *b, const struct s3_row *r,
		     const struct s3_who *w, struct arena *a, struct err *e);
/* @marker: @r is the delete marker that was made; else it is what is gone. */
int s3__emit_deleted(struct meta_tx *tx, struct s3 *s, const struct s3_bucket *b, const struct s3_row *r, bool marker,
		     const struct s3_who *w, struct arena *a, struct err *e);
int s3__emit_tags(struct meta_tx *tx, struct s3 *s, const struct s3_bucket *b, const struct s3_row *r, bool added,
		  const struct s3_who *w, struct arena *a, struct err *e);
/* s3:TestEvent to a queue that is to be told from now on. */
int s3__emit_test(struct meta_tx *tx, struct s3 *s, const char *bucket, const char *id, const char *arn,
		  const struct s3_who *w, struct arena *a, struct err *e);

/* --- notify_config.c --- */
#define S3_NOTIFY_KIND "notification"
/* Does a configuration of the document, as it is kept, want @event ("ObjectCreated:Put") of @key? */
bool s3__notify_wants(const struct json *config, const char *event, struct view key);

/* --- object_put.c --- */
struct s3_received {
	const char *ref; /* "" is never one; an empty object has one too */
	struct s3_claim claim;
	struct s3_summed sums;
};
/* Streams the request's body (or @body under op_call) into a blob; computes @want besides what is claimed. */
int s3__receive(struct op_ctx *cx, struct view body, const struct in_ck *ck,
		const char *content_md5, unsigned want, const struct s3_sse *sse,
		struct s3_received *ret);
/* Inside a transaction: conditions, row, event. */
int s3__publish_tx(struct meta_tx *tx, struct s3 *s, struct s3_publish *p, struct err *e);
/* The transaction, and what follows it; on failure the new blobs are deleted unless @keep. */
int s3__publish(struct s3 *s, struct s3_publish *p, bool keep, struct err *e);
uint64_t s3__next_seq(struct s3 *s);
struct s3_who s3__who(const struct op_ctx *cx, const char *reason);
/* Members that are checks only. */
int s3__check_owner(struct op_ctx *cx, const char *expected);
int s3__check_key(struct op_ctx *cx, const char *key);
/* @canned, of an object that is written: NULL, or what says no more than what is (bucket_access.c). */
int s3__check_acl(struct op_ctx *cx, const char *canned);
/* After a failed publication: names the condition in the error document. */
int s3__explain(struct op_ctx *cx, const char *if_none_match);
int s3__check_conditions_asked(struct op_ctx *cx, const char *if_match, const char *if_none_match);
struct view s3__unquote(const char *etag);

struct in_head {
	const char *cache_control, *disposition, *encoding, *language, *type, *expires;
	struct op_map meta;
	const char *tagging;
};
int s3__info_from(struct op_ctx *cx, const struct in_head *in, struct s3_info *ret);
bool s3__sendable(const char *text); /* as the value of a header; NULL is */

/* --- object_delete.c --- */
struct s3_deletion { /* of one object, or of one version of it */
	const char *key, *version; /* version id or NULL */
	const char *if_match;
	struct opt_int if_modified, if_size;
	struct err failed; /* code 0: done, or there was nothing */
	struct {
		const char *vid; /* of what was deleted, or of the marker that was made; NULL: none */
		bool marker;     /* one was made, or deleted */
	} done;
};
struct s3_deleting {
	struct s3 *s;
	struct s3_bucket bucket;
	struct s3_who who;
	struct arena *arena;
	bool bypass; /* of governance retention, asked for and allowed */
};
/* Inside a transaction; what the client is to be told goes to @d->failed, and nothing was changed then. */
int s3__delete_tx(struct meta_tx *tx, struct s3_deleting *g, struct s3_deletion *d, struct err *e);
/* The null version goes for good, if there is one; @ret_parts is untouched if not. */
int s3__null_take(struct meta_tx *tx, const char *bucket, const char *key, struct arena *a,
		  char **ret_parts, struct err *e);

/* --- object_get.c --- */
/* The version @version of an object (NULL: what a plain request sees).  NoSuchBucket, NoSuchKey, NoSuchVersion,
 * MethodNotAllowed (a delete marker); @ret->marker then tells whether a marker is why. */
int s3__row_need(struct meta_tx *tx, const char *bucket, const char *key, const char *version,
		 struct arena *a, struct s3_row *ret, struct err *e);
/* After it failed: the headers by which clients know a delete marker.  Returns the error's code. */
int s3__explain_marker(struct op_ctx *cx, const struct s3_row *r);
bool s3__same_etag(const char *list, const char *etag); /* "*", "a", or several with commas */
/* Calls @fn with pieces of bytes [@off, @off + @n) of an object. */
typedef int (*s3_piece_fn)(void *arg, struct view piece, struct err *e);
int s3__read(struct s3 *s, const struct s3_row *r, uint64_t off, uint64_t n, s3_piece_fn fn,
	     void *arg, struct err *e);

/* --- list.c --- */
/* The least string greater than all that begin with @v (no byte of UTF-8 is 0xff); VIEW_NONE for "". */
struct view s3__behind_prefix(struct arena *a, struct view v);
struct view s3__behind_key(struct arena *a, struct view v); /* the least string greater than @v */
/* Length of the common prefix that @key, which begins with @prefix, stands for; 0: none, or no delimiter. */
size_t s3__common(struct view prefix, struct view delimiter, struct view key);
const char *s3__encoded(struct arena *a, const char *text, bool url); /* encoding-type=url */

/* --- copy.c --- */
struct s3_source {
	const char *bucket, *key, *version; /* version NULL: not asked for */
	const char *if_match, *if_none_match;
	struct opt_int if_modified, if_unmodified;
	struct s3_sse customer; /* what the request says of the source's key */
	struct s3_row row;
};
/* "bucket/key", percent-encoded, with or without "/" in front and "?versionId=..." behind. */
int s3__source_parse(struct op_ctx *cx, const char *text, struct s3_source *ret);
void s3__source_wipe(struct s3_source *src); /* for CLEANUP() */
int s3__source_read(struct op_ctx *cx, struct s3_source *src); /* the row, its conditions checked */
/* Copies @n bytes from @off of the source into a blob of its own. */
int s3__source_copy(struct op_ctx *cx, const struct s3_source *src, uint64_t off, uint64_t n,
		    unsigned want, const struct s3_sse *sse, struct s3_received *ret);
/* "bytes=a-b" within @size: 1; 0: not a range to honour; -1: not satisfiable. */
int s3__range(const char *text, uint64_t size, uint64_t *ret_off, uint64_t *ret_n);

/* --- tagging.c --- */
int s3__tags_from_header(struct op_ctx *cx, const char *header, struct s3_tags *ret);

/* --- bucket.c --- */
bool s3__bucket_name_ok(const char *name);

/* --- reap.c: blobs that no row names any more --- */
void s3__reap_start(struct s3 *s);
void s3__reap_stop(struct s3 *s);
void s3__reap_recover(struct s3 *s); /* at start: deletes what was doomed before, and what a crash left */
void s3__reap_settle(struct s3 *s);  /* waits until all that is doomed is deleted (tests) */
/*
 * @parts: text of s3__parts_text(), copied; NULL is fine.
 * s3__doom_tx(): inside the transaction that drops the last row naming them.  They are deleted after its commit, whatever
 * happens then.  s3__doom(): blobs that no row has ever named.  Any thread, does not block.
 */
int s3__doom_tx(struct meta_tx *tx, struct s3 *s, const char *parts, struct err *e);
void s3__doom(struct s3 *s, const char *parts);
/* Remembers @joined as one blob of the object whose first part is @ref, until that is deleted.  Returns the one that
 * counts (in @a): another thread may have been faster.  NULL @joined only asks; NULL: there is none. */
const char *s3__joined(struct s3 *s, const char *ref, const char *joined, struct arena *a);
/* While a reading is open no blob is deleted that a row named when it began. */
struct s3_reading {
	struct s3 *s;
	uint64_t ticket;
	struct s3_reading *next, *prev;
};
void s3__reading_begin(struct s3 *s, struct s3_reading *r);
void s3__reading_end(struct s3_reading *r);

/* --- scrub.c, scrubber.c --- */
typedef bool (*s3_pace_fn)(void *arg, uint64_t bytes); /* after so many were read; false: no more, ERR_CANCELLED */
/* As s3_scrub(), at a pace.  After ERR_CANCELLED go on behind @after again. */
int s3__scrub(struct s3 *s, const char *after, int64_t budget_ms, s3_pace_fn pace, void *arg, struct arena *a,
	      struct s3_scrub *ret, struct err *e);

void s3__scrubber_init(struct s3 *s, int64_t every_s);
int s3__scrubber_start(struct s3 *s, struct err *e);
void s3__scrubber_stop(struct s3 *s);

/* --- sweep.c: blobs that a crash left without a row; the reaper's thread --- */
bool s3__sweep_look(struct s3 *s); /* false: there is nothing to sweep */
void s3__sweep(struct s3 *s);      /* when all readings from before the look have ended */
void s3__sweep_clear(struct s3 *s);
