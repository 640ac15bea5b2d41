/* SPDX-License-Identifier: Apache-2.0 */
/* destination -- the members of S3 destinations as AWS's model has them; what they mean is config.c's. */
#include "svc/firehose/firehose_ops.h"

#define SIZE_MAX_MB 1024 /* AWS: 128 */

static const char *const compressions[] = { "UNCOMPRESSED", "GZIP", "ZIP", "Snappy", "HADOOP_SNAPPY", NULL };
static const char *const no_encryption[] = { "NoEncryption", NULL };
static const char *const modes[] = { "Disabled", "Enabled", NULL };
static const char *const codecs[] = { "UNCOMPRESSED", "GZIP", "SNAPPY", NULL };
static const char *const writers[] = { "V1", "V2", NULL };

static const struct op_field hints[] = { OPD_INT("SizeInMBs", false, 1, SIZE_MAX_MB),
					 OPD_INT("IntervalInSeconds", false, 0, 900), OP_END };
static const struct op_field encryption[] = { OPD_ENUM("NoEncryptionConfig", false, no_encryption, NULL),
					      OP_REFUSED("KMSEncryptionConfig"), OP_END };
static const struct op_field logging[] = { OPD_BOOL("Enabled", false), OPD_STR("LogGroupName", false, 0, 512),
					   OPD_STR("LogStreamName", false, 0, 512), OP_END };

/* --- processing --- */
/* Type and ParameterName are enums in the model; here stages.c looks at them, which knows "mulgil:Layout" as well. */
static const struct op_field parameter[] = { OPD_STR("ParameterName", true, 1, 64),
					     OPD_STR("ParameterValue", true, 1, 5120), OP_END };
static const struct op_field parameter_item[] = { OP_ITEM_OBJ(parameter), OP_END };
static const struct op_field processor[] = { OPD_STR("Type", true, 1, 64),
					     OPD_LIST("Parameters", false, parameter_item, 0, 0), OP_END };
static const struct op_field processor_item[] = { OP_ITEM_OBJ(processor), OP_END };
static const struct op_field processing[] = { OPD_BOOL("Enabled", false),
					      OPD_LIST("Processors", false, processor_item, 0, 0), OP_END };

/* --- format conversion --- */
static const struct op_field schema[] = { OPD_STR("RoleARN", false, 1, 1024),      OPD_STR("CatalogId", false, 1, 1024),
					  OPD_STR("DatabaseName", false, 1, 1024), OPD_STR("TableName", false, 1, 1024),
					  OPD_STR("Region", false, 1, 1024),       OPD_STR("VersionId", false, 1, 1024),
					  OP_END };
static const struct op_field mapping_pair[] = { OP_ITEM_STR(1, 1024), OP_ITEM_STR(1, 1024) };
static const struct op_field openx[] = { OPD_BOOL("ConvertDotsInJsonKeysToUnderscores", false),
					 OPD_BOOL("CaseInsensitive", false),
					 OPD_MAP("ColumnToJsonKeyMappings", false, 0, mapping_pair), OP_END };
static const struct op_field format_item[] = { OP_ITEM_STR(1, 1024), OP_END };
static const struct op_field hive[] = { OPD_LIST("TimestampFormats", false, format_item, 0, 0), OP_END };
static const struct op_field deserializer[] = { OPD_OBJ("OpenXJsonSerDe", false, openx),
						OPD_OBJ("HiveJsonSerDe", false, hive), OP_END };
static const struct op_field input_format[] = { OPD_OBJ("Deserializer", false, deserializer), OP_END };
static const struct op_field parquet[] = { OPD_INT("BlockSizeBytes", false, 67108864, INT64_MAX),
					   OPD_INT("PageSizeBytes", false, 65536, INT64_MAX),
					   OPD_ENUM("Compression", false, codecs, NULL),
					   OPD_BOOL("EnableDictionaryCompression", false),
					   OPD_INT("MaxPaddingBytes", false, 0, INT64_MAX),
					   OPD_ENUM("WriterVersion", false, writers, NULL), OP_END };
static const struct op_field serializer[] = { OPD_OBJ("ParquetSerDe", false, parquet), OP_REFUSED("OrcSerDe"), OP_END };
static const struct op_field output_format[] = { OPD_OBJ("Serializer", false, serializer), OP_END };
static const struct op_field conversion[] = { OPD_OBJ("SchemaConfiguration", false, schema),
					      OPD_OBJ("InputFormatConfiguration", false, input_format),
					      OPD_OBJ("OutputFormatConfiguration", false, output_format),
					      OPD_BOOL("Enabled", false), OP_END };

/* --- partitioning --- */
static const struct op_field retry[] = { OPD_INT("DurationInSeconds", false, 0, 7200), OP_END };
static const struct op_field partitioning[] = { OPD_OBJ("RetryOptions", false, retry), OPD_BOOL("Enabled", false), OP_END };

/* --- destinations: in an update nothing is required --- */
#define PLAIN(required) \
	OPD_STR("RoleARN", required, 1, 512), OPD_STR("BucketARN", required, 1, 2048), OPD_STR("Prefix", false, 0, 1024), \
		OPD_STR("ErrorOutputPrefix", false, 0, 1024), OPD_OBJ("BufferingHints", false, hints), \
		OPD_ENUM("CompressionFormat", false, compressions, NULL), \
		OPD_OBJ("EncryptionConfiguration", false, encryption), OPD_OBJ("CloudWatchLoggingOptions", false, logging)
#define EXTENDED(required) \
	PLAIN(required), OPD_OBJ("ProcessingConfiguration", false, processing), OPD_ENUM("S3BackupMode", false, modes, NULL), \
		OPD_OBJ("DataFormatConversionConfiguration", false, conversion), \
		OPD_OBJ("DynamicPartitioningConfiguration", false, partitioning), \
		OPD_STR("FileExtension", false, 0, 128), OPD_STR("CustomTimeZone", false, 0, 50)

const struct op_field fh__plain_fields[] = { PLAIN(true), OP_END };
const struct op_field fh__plain_update_fields[] = { PLAIN(false), OP_END };
const struct op_field fh__extended_fields[] = { EXTENDED(true), OPD_OBJ("S3BackupConfiguration", false, fh__plain_fields), OP_END };
const struct op_field fh__extended_update_fields[] = { EXTENDED(false), OPD_OBJ("S3BackupUpdate", false, fh__plain_update_fields),
						       OP_END };
