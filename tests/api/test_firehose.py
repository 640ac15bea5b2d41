# SPDX-License-Identifier: Apache-2.0
"""Delivery streams through boto3: what is refused at creation, what is delivered."""
import gzip
import json
import re

import pytest

import rig


@pytest.fixture(scope="module")
def bucket(shared):
    return shared.bucket()


def destination(bucket, **more):
    return {"RoleARN": rig.ROLE, "BucketARN": f"arn:aws:s3:::{bucket}", **more}


def lines(server, bucket, prefix=""):
    return [json.loads(x) for body in server.objects(bucket, prefix).values() for x in body.decode().splitlines()]


def line(i):
    return json.dumps({"i": i}).encode() + b"\n"


def test_stream_life(server, bucket):
    f, s = server.firehose, rig.name("s")
    arn = f.create_delivery_stream(DeliveryStreamName=s, ExtendedS3DestinationConfiguration=destination(
        bucket, Prefix="a/!{timestamp:yyyy/MM/dd}/", ErrorOutputPrefix="e/!{firehose:error-output-type}/",
        BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 60}), Tags=[{"Key": "k", "Value": "v"}])["DeliveryStreamARN"]
    assert arn == f"arn:aws:firehose:{rig.REGION}:{rig.ACCOUNT}:deliverystream/{s}"
    d = f.describe_delivery_stream(DeliveryStreamName=s)["DeliveryStreamDescription"]
    assert (d["DeliveryStreamName"], d["DeliveryStreamARN"], d["DeliveryStreamType"]) == (s, arn, "DirectPut")
    dest = d["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert (dest["Prefix"], dest["BufferingHints"]) == ("a/!{timestamp:yyyy/MM/dd}/", {"SizeInMBs": 5, "IntervalInSeconds": 60})
    assert s in f.list_delivery_streams(Limit=10000)["DeliveryStreamNames"]
    assert rig.error(f.create_delivery_stream, DeliveryStreamName=s,
                     S3DestinationConfiguration=destination(bucket))[:2] == ("ResourceInUseException", 400)
    f.delete_delivery_stream(DeliveryStreamName=s)
    rig.until("the stream is gone", lambda: s not in f.list_delivery_streams(Limit=10000)["DeliveryStreamNames"])
    for call, members in ((f.describe_delivery_stream, {}), (f.delete_delivery_stream, {}),
                          (f.put_record, {"Record": {"Data": b"x"}})):
        assert rig.error(call, DeliveryStreamName=s, **members)[:2] == ("ResourceNotFoundException", 400)


@pytest.mark.parametrize("member, value, named", [
    ("Prefix", "a/!{partitionKeyFromQuery:person}/", "partitionKeyFromQuery"),
    ("Prefix", "a/!{partitionKeyFromLambda:person}/", "partitionKeyFromLambda"),
    ("Prefix", "a/!{timestamp:yyyy/", "timestamp"),
    ("Prefix", "a/!{coffee:x}/", "coffee"),
    ("ErrorOutputPrefix", "e/!{partitionKeyFromQuery:person}/", "partitionKeyFromQuery"),
])
def test_prefix_expression_is_refused_at_creation(server, bucket, member, value, named):
    s = rig.name("s")
    code, status, text = rig.error(server.firehose.create_delivery_stream, DeliveryStreamName=s,
                                   ExtendedS3DestinationConfiguration=destination(bucket, **{
                                       "ErrorOutputPrefix": "e/!{firehose:error-output-type}/", member: value}))
    assert (code, status) == ("InvalidArgumentException", 400)
    assert named in text and member in text
    assert s not in server.firehose.list_delivery_streams(Limit=10000)["DeliveryStreamNames"]


@pytest.mark.parametrize("more, named", [
    ({"DynamicPartitioningConfiguration": {"Enabled": True}}, "Prefix: with dynamic partitioning"),
    ({"ProcessingConfiguration": {"Processors": [{"Type": "Magic"}]}}, "ProcessingConfiguration.Processors: the Type Magic"),
    ({"DataFormatConversionConfiguration": {"Enabled": True}}, "DataFormatConversionConfiguration"),
    ({"S3BackupMode": "Enabled"}, "S3Backup"),
    ({"CustomTimeZone": "Asia/Nowhere"}, "CustomTimeZone"),
    ({"EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": "arn:aws:kms:x:000000000000:key/x"}}}, "Encryption"),
])
def test_what_is_not_supported_is_refused(server, bucket, more, named):
    s = rig.name("s")
    answer = rig.json_call(server, "firehose", "CreateDeliveryStream", {  # Debian's boto3 does not know all of them
        "DeliveryStreamName": s, "ExtendedS3DestinationConfiguration": destination(bucket, **more)})
    assert (answer.code(), answer.status) == ("InvalidArgumentException", 400), answer.body
    assert named.lower() in answer.body.decode().lower()
    assert s not in server.firehose.list_delivery_streams(Limit=10000)["DeliveryStreamNames"]


def test_records_are_delivered_once_and_in_order(server, bucket):
    s = server.stream(bucket, "order/!{timestamp:yyyy}/", ErrorOutputPrefix="failed/")
    ids = []
    for i in range(20):
        ids.append(server.firehose.put_record(DeliveryStreamName=s, Record={"Data": line(i)})["RecordId"])
    for first in range(20, 220, 50):
        r = server.firehose.put_record_batch(DeliveryStreamName=s, Records=[{"Data": line(first + k)} for k in range(50)])
        assert r["FailedPutCount"] == 0 and len(r["RequestResponses"]) == 50
        ids += [x["RecordId"] for x in r["RequestResponses"]]
    assert len(set(ids)) == 220
    rig.until("220 records", lambda: len(lines(server, bucket, "order/")) >= 220)
    found = [json.loads(x)["i"] for key, body in sorted(server.objects(bucket, "order/").items())
             for x in body.decode().splitlines()]
    assert sorted(found) == list(range(220))
    for key in server.objects(bucket, "order/"):
        assert re.fullmatch(rf"order/20\d\d/{s}-[^/]+", key), key


def test_gzip(server, bucket):
    s = server.stream(bucket, "gzip/", CompressionFormat="GZIP")
    server.firehose.put_record_batch(DeliveryStreamName=s, Records=[{"Data": line(i)} for i in range(3)])
    objects = rig.until("an object", lambda: server.objects(bucket, "gzip/"))
    assert all(k.endswith(".gz") for k in objects)
    assert b"".join(gzip.decompress(v) for v in objects.values()) == b"".join(map(line, range(3)))


def test_limits(server, bucket):
    s = server.stream(bucket, "limits/")
    f = server.client("firehose", validate=False)
    assert rig.error(f.put_record, DeliveryStreamName=s, Record={"Data": b"x" * 1_024_001})[1] == 400
    assert rig.error(f.put_record_batch, DeliveryStreamName=s, Records=[])[1] == 400
    assert rig.error(f.put_record_batch, DeliveryStreamName=s, Records=[{"Data": b"x"}] * 501)[1] == 400
    assert rig.error(f.put_record_batch, DeliveryStreamName=s, Records=[{"Data": b"x" * 1_000_000}] * 5)[1] == 400
    server.firehose.put_record(DeliveryStreamName=s, Record={"Data": b"x" * 1_024_000})
    rig.until("the record", lambda: [len(v) for v in server.objects(bucket, "limits/").values()] == [1_024_000])


def test_broken_base64_is_refused(server, bucket):
    s = server.stream(bucket, "base64/")
    answer = rig.json_call(server, "firehose", "PutRecord", {"DeliveryStreamName": s, "Record": {"Data": "a*b="}})
    assert (answer.code(), answer.status) == ("SerializationException", 400)


def test_acknowledged_records_survive_kill(make_server):
    srv = make_server().start()
    b = srv.bucket()
    s = srv.stream(b)
    for i in range(10):
        srv.firehose.put_record_batch(DeliveryStreamName=s, Records=[{"Data": line(10 * i + k)} for k in range(10)])
    srv.restart()
    srv.firehose.put_record(DeliveryStreamName=s, Record={"Data": line(100)})
    rig.until("101 records", lambda: len(lines(srv, b)) >= 101)
    assert sorted(x["i"] for x in lines(srv, b)) == list(range(101))
