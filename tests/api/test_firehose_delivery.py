# SPDX-License-Identifier: Apache-2.0
"""Delivery streams: members honoured or refused by name, updates, backup, time zones, logs, a destination that is gone."""
import datetime
import json
import zoneinfo

import pytest

import rig

AT_ONCE = {"SizeInMBs": 1, "IntervalInSeconds": 0}
LATER = {"SizeInMBs": 1, "IntervalInSeconds": 900}
TARGET = "destinationId-000000000001"


@pytest.fixture(scope="module")
def bucket(shared):
    return shared.bucket()


def destination(bucket, **more):
    return {"RoleARN": rig.ROLE, "BucketARN": f"arn:aws:s3:::{bucket}", **more}


def whole(server, bucket, prefix=""):
    return b"".join(body for _, body in sorted(server.objects(bucket, prefix).items()))


def describe(server, s):
    return call(server, "DescribeDeliveryStream", DeliveryStreamName=s).json()["DeliveryStreamDescription"]


def extended(server, s):
    return describe(server, s)["Destinations"][0]["ExtendedS3DestinationDescription"]


def call(server, operation, **members):
    """Past boto3's own checks: Debian's does not know all members."""
    return rig.json_call(server, "firehose", operation, members)


def update(server, s, version, **more):
    return call(server, "UpdateDestination", DeliveryStreamName=s, CurrentDeliveryStreamVersionId=version, DestinationId=TARGET, **more)


def account(server, s):
    r = server.run("verify", "--streams", "--output", "json")
    found = {x["stream"]: x for x in json.loads(r.stdout)}
    return found[s]


def put(server, s, *records):
    r = server.firehose.put_record_batch(DeliveryStreamName=s, Records=[{"Data": x} for x in records])
    assert r["FailedPutCount"] == 0


# --- refused by name ---

@pytest.mark.parametrize("member", [
    "DirectPutSourceConfiguration", "DeliveryStreamEncryptionConfigurationInput",
    "RedshiftDestinationConfiguration", "ElasticsearchDestinationConfiguration", "AmazonopensearchserviceDestinationConfiguration",
    "SplunkDestinationConfiguration", "HttpEndpointDestinationConfiguration", "AmazonOpenSearchServerlessDestinationConfiguration",
    "MSKSourceConfiguration", "SnowflakeDestinationConfiguration", "IcebergDestinationConfiguration", "DatabaseSourceConfiguration"])
def test_member_of_create_is_refused(server, bucket, member):
    s = rig.name("s")
    answer = call(server, "CreateDeliveryStream", DeliveryStreamName=s, S3DestinationConfiguration=destination(bucket), **{member: {}})
    assert (answer.code(), answer.status) == ("InvalidArgumentException", 400)
    assert member.lower() in answer.body.decode().lower()
    assert call(server, "DescribeDeliveryStream", DeliveryStreamName=s).code() == "ResourceNotFoundException"


@pytest.mark.parametrize("kind", ["MSKAsSource", "DatabaseAsSource"])
def test_type_of_stream_is_refused(server, bucket, kind):
    answer = call(server, "CreateDeliveryStream", DeliveryStreamName=rig.name("s"), DeliveryStreamType=kind,
                  S3DestinationConfiguration=destination(bucket))
    assert answer.code() == "InvalidArgumentException" and kind in answer.body.decode()


@pytest.mark.parametrize("code, named, more", [
    ("InvalidArgumentException", "KMSEncryptionConfig", {"EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": "arn:aws:kms:x:000000000000:key/x"}}}),
    ("InvalidArgumentException", "BufferingHints", {"BufferingHints": {"SizeInMBs": 5}}),
    ("ValidationException", "sizeInMBs", {"BufferingHints": {"SizeInMBs": 1025, "IntervalInSeconds": 1}}),
    ("ValidationException", "intervalInSeconds", {"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 901}}),
    ("ValidationException", "compressionFormat", {"CompressionFormat": "SNAPPY"}),
    ("InvalidArgumentException", "CloudWatchLoggingOptions", {"CloudWatchLoggingOptions": {"Enabled": True}}),
    ("ValidationException", "LogGroupName", {"CloudWatchLoggingOptions": {"Enabled": True, "LogGroupName": "a b", "LogStreamName": "s"}}),
    ("ValidationException", "LogStreamName", {"CloudWatchLoggingOptions": {"Enabled": True, "LogGroupName": "g", "LogStreamName": "a:b"}}),
    ("InvalidArgumentException", "S3BackupConfiguration", {"S3BackupMode": "Enabled"}),
    ("ValidationException", "S3BackupConfiguration.BucketARN", {"S3BackupMode": "Enabled", "S3BackupConfiguration": {"RoleARN": rig.ROLE, "BucketARN": "x"}}),
    ("InvalidArgumentException", "S3BackupConfiguration.Prefix", {"S3BackupMode": "Enabled", "S3BackupConfiguration": {
        "RoleARN": rig.ROLE, "BucketARN": "arn:aws:s3:::x", "Prefix": "!{partitionKeyFromQuery:a}", "ErrorOutputPrefix": "e"}}),
    ("ValidationException", "FileExtension", {"FileExtension": "txt"}),
    ("ValidationException", "CustomTimeZone", {"CustomTimeZone": "Etc/GMT+9"}),
    ("InvalidArgumentException", "CustomTimeZone", {"CustomTimeZone": "Asia/Atlantis"}),
    ("ValidationException", "RoleARN", {"RoleARN": "me"}),
    ("ValidationException", "BucketARN", {"BucketARN": "arn:aws:s3:::"}),
    ("InvalidArgumentException", "DynamicPartitioning", {"DynamicPartitioningConfiguration": {"Enabled": True, "Later": 1}}),
    ("ValidationException", "durationInSeconds", {"DynamicPartitioningConfiguration": {"RetryOptions": {"DurationInSeconds": 7201}}}),
    ("InvalidArgumentException", "Prefix", {"DynamicPartitioningConfiguration": {"Enabled": True}, "Prefix": "p/"}),
    ("InvalidArgumentException", "Prefix: !{partitionKeyFromLambda:a}", {
        "DynamicPartitioningConfiguration": {"Enabled": True}, "Prefix": "!{partitionKeyFromLambda:a}/", "ErrorOutputPrefix": "e"}),
    ("InvalidArgumentException", "Prefix: !{partitionKeyFromQuery:a}", {
        "DynamicPartitioningConfiguration": {"Enabled": True}, "Prefix": "!{partitionKeyFromQuery:a}/", "ErrorOutputPrefix": "e"}),
    ("InvalidArgumentException", "rcSerDe", {"DataFormatConversionConfiguration": {"OutputFormatConfiguration": {"Serializer": {"OrcSerDe": {}}}}}),
    ("InvalidArgumentException", "SchemaConfiguration", {"DataFormatConversionConfiguration": {"Enabled": True}}),
    ("InvalidArgumentException", "CompressionFormat", {"CompressionFormat": "GZIP", "DataFormatConversionConfiguration": {"Enabled": True}}),
    ("InvalidArgumentException", "Processors: the Type Magic", {"ProcessingConfiguration": {"Processors": [{"Type": "Magic"}]}}),
    ("InvalidArgumentException", "olour", {"Colour": "blue"}),
])
def test_member_of_destination_is_refused(server, bucket, code, named, more):
    s = rig.name("s")
    answer = call(server, "CreateDeliveryStream", DeliveryStreamName=s, ExtendedS3DestinationConfiguration=destination(bucket) | more)
    assert (answer.code(), answer.status) == (code, 400), answer.body
    assert named.lower() in answer.body.decode().lower(), answer.body
    assert call(server, "DescribeDeliveryStream", DeliveryStreamName=s).code() == "ResourceNotFoundException"


# --- honoured ---

def test_what_was_given_is_described_with_awss_defaults(server, bucket):
    s = rig.name("s")
    given = destination(bucket, Prefix="a/!{timestamp:yyyy}/", ErrorOutputPrefix="e/!{firehose:error-output-type}/", CompressionFormat="HADOOP_SNAPPY",
                        FileExtension=".sz", CustomTimeZone="Asia/Seoul", S3BackupMode="Enabled",
                        S3BackupConfiguration=destination(bucket, Prefix="raw/", CompressionFormat="GZIP"),
                        CloudWatchLoggingOptions={"Enabled": True, "LogGroupName": "/aws/kinesisfirehose/x", "LogStreamName": "DestinationDelivery"})
    assert call(server, "CreateDeliveryStream", DeliveryStreamName=s, ExtendedS3DestinationConfiguration=given).status == 200
    d = extended(server, s)
    backup = d.pop("S3BackupDescription")
    for member, value in given.items():
        if member != "S3BackupConfiguration":
            assert d[member] == value
    assert d["BufferingHints"] == backup["BufferingHints"] == {"SizeInMBs": 5, "IntervalInSeconds": 300}
    assert d["EncryptionConfiguration"] == {"NoEncryptionConfig": "NoEncryption"}
    assert (backup["Prefix"], backup["CompressionFormat"]) == ("raw/", "GZIP")
    assert describe(server, s)["Destinations"][0]["S3DestinationDescription"]["Prefix"] == given["Prefix"]


def test_time_zone_is_that_of_the_prefix(server, bucket):
    before = datetime.datetime.now(zoneinfo.ZoneInfo("Asia/Seoul"))
    s = rig.name("s")
    assert call(server, "CreateDeliveryStream", DeliveryStreamName=s, ExtendedS3DestinationConfiguration=destination(
        bucket, Prefix="tz/!{timestamp:yyyy-MM-dd'T'HHXXX}/", ErrorOutputPrefix="e", CustomTimeZone="Asia/Seoul", BufferingHints=AT_ONCE)).status == 200
    put(server, s, b"x")
    key = next(iter(rig.until("the object", lambda: server.objects(bucket, "tz/"))))
    after = datetime.datetime.now(zoneinfo.ZoneInfo("Asia/Seoul"))
    assert key.split("/")[1] in {t.strftime("%Y-%m-%dT%H+09:00") for t in (before, after)}


def test_backup_has_the_raw_records_by_its_own_hints(server, bucket):
    s = server.stream(bucket, "data/", CompressionFormat="GZIP", S3BackupMode="Enabled", S3BackupConfiguration=destination(
        bucket, Prefix="raw/", BufferingHints=LATER))
    put(server, s, b"one,", b"two,")
    rig.until("the data", lambda: server.objects(bucket, "data/"))
    assert not server.objects(bucket, "raw/")
    assert account(server, s)["pending"] == 2 and "problem" not in account(server, s)
    assert update(server, s, "1", ExtendedS3DestinationUpdate={"S3BackupUpdate": {"BufferingHints": AT_ONCE}}).status == 200
    rig.until("the backup", lambda: whole(server, bucket, "raw/") == b"one,two,")
    rig.until("the account", lambda: account(server, s)["pending"] == 0)
    assert len(server.objects(bucket, "data/")) == 1


def test_update(server, bucket):
    s = server.stream(bucket, "before/")
    put(server, s, b"1")
    rig.until("1", lambda: whole(server, bucket, "before/") == b"1")
    assert update(server, s, "2", ExtendedS3DestinationUpdate={"Prefix": "x/"}).code() == "ConcurrentModificationException"
    assert update(server, s, "one", ExtendedS3DestinationUpdate={"Prefix": "x/"}).code() == "ValidationException"
    assert update(server, s, "1").code() == "InvalidArgumentException"
    for refused, named in (({"Prefix": "!{coffee}"}, "Prefix"), ({"DynamicPartitioningConfiguration": {"Enabled": True}}, "DynamicPartitioningConfiguration"),
                           ({"CustomTimeZone": "No/Where"}, "CustomTimeZone"), ({"S3BackupMode": "Enabled"}, "S3BackupConfiguration")):
        answer = update(server, s, "1", ExtendedS3DestinationUpdate=refused)
        assert answer.code() == "InvalidArgumentException" and named in answer.body.decode()
    for member in ("Redshift", "Elasticsearch", "Amazonopensearchservice", "Splunk", "HttpEndpoint", "AmazonOpenSearchServerless", "Snowflake", "Iceberg"):
        answer = update(server, s, "1", **{member + "DestinationUpdate": {}})
        assert answer.code() == "InvalidArgumentException" and member.lower() in answer.body.decode().lower()
    answer = call(server, "UpdateDestination", DeliveryStreamName=s, CurrentDeliveryStreamVersionId="1", DestinationId="other",
                  ExtendedS3DestinationUpdate={"Prefix": "x/"})
    assert answer.code() == "InvalidArgumentException"
    assert describe(server, s)["VersionId"] == "1"
    assert update(server, s, "1", ExtendedS3DestinationUpdate={"Prefix": "after/", "CompressionFormat": "UNCOMPRESSED"}).status == 200
    d = describe(server, s)
    assert d["VersionId"] == "2" and d["LastUpdateTimestamp"]
    assert extended(server, s)["BufferingHints"] == AT_ONCE  # not named, so as it was
    put(server, s, b"2")
    rig.until("2", lambda: whole(server, bucket, "after/") == b"2")
    assert f"/{s}-2-" in next(iter(server.objects(bucket, "after/")))
    assert whole(server, bucket, "before/") == b"1"


def test_backup_cannot_be_switched_off_again(server, bucket):
    s = server.stream(bucket, "off/", S3BackupMode="Enabled", S3BackupConfiguration=destination(bucket, Prefix="off-raw/"))
    answer = update(server, s, "1", ExtendedS3DestinationUpdate={"S3BackupMode": "Disabled"})
    assert answer.code() == "InvalidArgumentException" and "S3BackupMode" in answer.body.decode()


def test_a_plain_destination_can_become_an_extended_one(server, bucket):
    s = rig.name("s")
    server.firehose.create_delivery_stream(DeliveryStreamName=s, S3DestinationConfiguration=destination(bucket, Prefix="plain/"))
    assert "ExtendedS3DestinationDescription" not in describe(server, s)["Destinations"][0]
    assert update(server, s, "1", S3DestinationUpdate={"BufferingHints": AT_ONCE}).status == 200
    assert update(server, s, "2", ExtendedS3DestinationUpdate={"FileExtension": ".txt"}).status == 200
    assert extended(server, s)["FileExtension"] == ".txt"
    put(server, s, b"x")
    assert next(iter(rig.until("the object", lambda: server.objects(bucket, "plain")))).endswith(".txt")


def test_encryption_is_refused_and_never_said_to_be_on(server, bucket):
    s = server.stream(bucket, "sse/")
    for more in ({}, {"DeliveryStreamEncryptionConfigurationInput": {"KeyType": "AWS_OWNED_CMK"}},
                 {"DeliveryStreamEncryptionConfigurationInput": {"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": "arn:aws:kms:x:000000000000:key/x"}}):
        answer = call(server, "StartDeliveryStreamEncryption", DeliveryStreamName=s, **more)
        assert answer.code() == "InvalidArgumentException" and "KeyType" in answer.body.decode()
    assert describe(server, s)["DeliveryStreamEncryptionConfiguration"] == {"Status": "DISABLED"}
    assert call(server, "StopDeliveryStreamEncryption", DeliveryStreamName=s).status == 200
    assert call(server, "StopDeliveryStreamEncryption", DeliveryStreamName="none").code() == "ResourceNotFoundException"


def test_destination_that_is_gone_delays_and_says_so(server):
    b = server.bucket()
    s = server.stream(b, "p/", CloudWatchLoggingOptions={"Enabled": True, "LogGroupName": "/aws/kinesisfirehose/gone", "LogStreamName": "s"})
    put(server, s, b"1")
    rig.until("1", lambda: whole(server, b) == b"1")
    server.s3.delete_object(Bucket=b, Key=next(iter(server.objects(b))))
    server.s3.delete_bucket(Bucket=b)
    for i in range(2, 6):
        put(server, s, str(i).encode())

    def told():
        try:
            return server.logs.get_log_events(logGroupName="/aws/kinesisfirehose/gone", logStreamName="s")["events"]
        except rig.CLIENT_ERROR:
            return None
    message = json.loads(rig.until("a line in the log", told)[0]["message"])
    assert (message["errorCode"], message["destination"]) == ("S3.NoSuchBucket", f"arn:aws:s3:::{b}")
    assert account(server, s)["pending"] == 4
    server.s3.create_bucket(Bucket=b, CreateBucketConfiguration={"LocationConstraint": rig.REGION})
    rig.until("the rest", lambda: whole(server, b) == b"2345", 40)
    rig.until("the account", lambda: account(server, s)["pending"] == 0)
    assert account(server, s)["delivered"] == 5


def test_stream_is_deleted_while_it_delivers(make_server):
    srv = make_server().start()
    b = srv.bucket()
    for i in range(10):
        s = srv.stream(b, f"{i}/")
        put(srv, s, *[b"x" * 1000] * 100)
        srv.firehose.delete_delivery_stream(DeliveryStreamName=s)
    srv.restart()
    for i in range(10):  # all of a batch or nothing of it: an object is one transaction
        assert len(whole(srv, b, f"{i}/")) % 1000 == 0
    assert srv.run("verify", "--streams").returncode == 0
