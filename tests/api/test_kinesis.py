# SPDX-License-Identifier: Apache-2.0
"""Kinesis Data Streams with boto3: the same log, read by shard."""
import hashlib

import pytest

from rig import REGION, ROLE, error, json_call, name, until


@pytest.fixture
def k(server):
    return server.kinesis


def stream(k, shards=1, **more):
    s = name("ks")
    k.create_stream(StreamName=s, ShardCount=shards, **more)
    assert k.describe_stream_summary(StreamName=s)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
    return s


def iterator(k, s, kind="TRIM_HORIZON", shard="shardId-000000000000", **more):
    return k.get_shard_iterator(StreamName=s, ShardId=shard, ShardIteratorType=kind, **more)["ShardIterator"]


def read(k, it, least=1):
    """Records from an iterator on until there are @least, and the iterator behind them."""
    got = []

    def more():
        nonlocal it
        r = k.get_records(ShardIterator=it)
        got.extend(r["Records"])
        it = r["NextShardIterator"]
        return len(got) >= least

    until(f"{least} records", more)
    return got, it


def test_records_come_back_in_order(k):
    s = stream(k)
    put = [k.put_record(StreamName=s, Data=b"%d" % i, PartitionKey="p%d" % i) for i in range(20)]
    numbers = [int(p["SequenceNumber"]) for p in put]
    assert numbers == sorted(set(numbers))
    got, it = read(k, iterator(k, s), 20)
    assert [(r["Data"], r["PartitionKey"], r["SequenceNumber"]) for r in got] == [
        (b"%d" % i, "p%d" % i, put[i]["SequenceNumber"]) for i in range(20)]
    again = k.get_records(ShardIterator=it)
    assert again["Records"] == [] and again["MillisBehindLatest"] == 0
    assert [r["Data"] for r in read(k, iterator(k, s, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=put[5]["SequenceNumber"]))[0]][0] == b"5"
    assert [r["Data"] for r in read(k, iterator(k, s, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=put[5]["SequenceNumber"]))[0]][0] == b"6"
    latest = iterator(k, s, "LATEST")
    assert k.get_records(ShardIterator=latest)["Records"] == []
    k.put_record(StreamName=s, Data=b"new", PartitionKey="x")
    assert [r["Data"] for r in read(k, latest)[0]] == [b"new"]


def test_shards_are_by_the_md5_of_the_key(k):
    s = stream(k, 5)
    shards = k.list_shards(StreamName=s)["Shards"]
    ranges = [(x["ShardId"], int(x["HashKeyRange"]["StartingHashKey"]), int(x["HashKeyRange"]["EndingHashKey"])) for x in shards]
    assert ranges[0][1] == 0 and ranges[-1][2] == 2**128 - 1
    assert all(a[2] + 1 == b[1] for a, b in zip(ranges, ranges[1:]))
    keys = ["key-%d" % i for i in range(60)] + ["음" * 100]

    def where(h):
        return next(i for i, lo, hi in ranges if lo <= h <= hi)

    r = k.put_records(StreamName=s, Records=[{"Data": x.encode(), "PartitionKey": x} for x in keys])
    assert r["FailedRecordCount"] == 0
    assert [x["ShardId"] for x in r["Records"]] == [where(int(hashlib.md5(x.encode()).hexdigest(), 16)) for x in keys]
    explicit = k.put_record(StreamName=s, Data=b"explicit", PartitionKey="a", ExplicitHashKey=str(2**128 - 1))
    assert explicit["ShardId"] == ranges[-1][0]
    found = {}
    for shard, _, _ in ranges:
        mine = [x for x, y in zip(keys, r["Records"]) if y["ShardId"] == shard] + (["explicit"] if shard == ranges[-1][0] else [])
        got, _ = read(k, iterator(k, s, shard=shard), len(mine))
        found[shard] = [x["Data"].decode() for x in got]
        assert found[shard] == mine
    assert sum(map(len, found.values())) == len(keys) + 1


def test_by_time(server, k):
    s = stream(k)
    k.put_record(StreamName=s, Data=b"old", PartitionKey="a")
    old, _ = read(k, iterator(k, s))
    at = old[0]["ApproximateArrivalTimestamp"].timestamp()
    until("a later millisecond", lambda: k.put_record(StreamName=s, Data=b"new", PartitionKey="a") and read(
        k, iterator(k, s), 2)[0][-1]["ApproximateArrivalTimestamp"].timestamp() > at + .001)

    def first(t):  # older clients send whole seconds only
        r = json_call(server, "kinesis", "GetShardIterator", {"StreamName": s, "ShardId": "shardId-000000000000",
                                                             "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": t})
        assert r.status == 200, r.body
        return read(k, r.json()["ShardIterator"])[0][0]["Data"]

    assert first(round(at, 3)) == b"old" and first(round(at + .001, 3)) == b"new" and first(int(at) - 1) == b"old"
    assert error(k.get_shard_iterator, StreamName=s, ShardId="shardId-000000000000", ShardIteratorType="AT_TIMESTAMP",
                 Timestamp=at + 86400)[0] == "InvalidArgumentException"


def test_limits_of_one_answer(k):
    s = stream(k)
    k.put_records(StreamName=s, Records=[{"Data": b"%03d" % i, "PartitionKey": "a"} for i in range(100)])
    it, got = iterator(k, s), []
    for _ in range(10):
        r = k.get_records(ShardIterator=it, Limit=10)
        assert len(r["Records"]) == 10
        got += [x["Data"] for x in r["Records"]]
        it = r["NextShardIterator"]
    assert got == [b"%03d" % i for i in range(100)]
    big = b"x" * (1024 * 1024 - 1)
    for _ in range(12):
        k.put_record(StreamName=s, Data=big, PartitionKey="b")
    r = k.get_records(ShardIterator=it)
    assert len(r["Records"]) == 10 and r["Records"][0]["Data"] == big
    assert len(k.get_records(ShardIterator=r["NextShardIterator"])["Records"]) == 2


def test_durable_over_a_kill(make_server):
    server = make_server().start()
    s = stream(server.kinesis, 2)
    server.kinesis.add_tags_to_stream(StreamName=s, Tags={"a": "b"})
    for i in range(30):
        server.kinesis.put_record(StreamName=s, Data=b"%d" % i, PartitionKey="same")
    shard = server.kinesis.put_record(StreamName=s, Data=b"30", PartitionKey="same")["ShardId"]
    it = iterator(server.kinesis, s, shard=shard)
    server.restart()
    got, _ = read(server.kinesis, it, 31)  # the iterator holds, too
    assert [r["Data"] for r in got] == [b"%d" % i for i in range(31)]
    d = server.kinesis.describe_stream(StreamName=s)["StreamDescription"]
    assert len(d["Shards"]) == 2 and d["RetentionPeriodHours"] == 24
    assert server.kinesis.list_tags_for_stream(StreamName=s)["Tags"] == [{"Key": "a", "Value": "b"}]


def test_a_delivery_stream_is_read_live(server, k):
    s = server.stream(server.bucket())
    latest = iterator(k, s, "LATEST")
    server.firehose.put_record_batch(DeliveryStreamName=s, Records=[{"Data": b"one"}, {"Data": b"two"}])
    got, _ = read(k, latest, 2)
    assert [r["Data"] for r in got] == [b"one", b"two"] and {r["PartitionKey"] for r in got} == {s}
    assert error(k.put_record, StreamName=s, Data=b"x", PartitionKey="a")[0] == "ResourceNotFoundException"
    assert s not in k.list_streams()["StreamNames"]


def test_life_of_a_stream(k, server):
    s = stream(k)
    arn = k.describe_stream(StreamName=s)["StreamDescription"]["StreamARN"]
    assert arn.startswith(f"arn:aws:kinesis:{REGION}:") and arn.endswith(":stream/" + s)
    assert error(k.create_stream, StreamName=s, ShardCount=1)[0] == "ResourceInUseException"
    assert s in [x for page in k.get_paginator("list_streams").paginate() for x in page["StreamNames"]]
    k.increase_stream_retention_period(StreamName=s, RetentionPeriodHours=48)
    assert error(k.increase_stream_retention_period, StreamName=s, RetentionPeriodHours=24)[0] == "InvalidArgumentException"
    k.decrease_stream_retention_period(StreamName=s, RetentionPeriodHours=24)
    k.add_tags_to_stream(StreamName=s, Tags={"x": "1", "y": "2"})
    k.remove_tags_from_stream(StreamName=s, TagKeys=["x"])
    assert k.list_tags_for_stream(StreamName=s) ["Tags"] == [{"Key": "y", "Value": "2"}]
    it = iterator(k, s)
    k.delete_stream(StreamName=s)
    assert error(k.describe_stream, StreamName=s)[0] == "ResourceNotFoundException"
    other = json_call(server, "kinesis", "GetRecords", {"ShardIterator": iterator(k, stream(k)), "StreamARN": arn})
    assert (other.code(), other.status) == ("InvalidArgumentException", 400)
    assert error(k.get_records, ShardIterator=it)[0] == "ResourceNotFoundException"
    k.create_stream(StreamName=s, ShardCount=1)
    assert error(k.get_records, ShardIterator=it)[0] == "ResourceNotFoundException"  # another stream of that name
    assert k.get_records(ShardIterator=iterator(k, s))["Records"] == []
    o = name("od")
    k.create_stream(StreamName=o, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert k.describe_stream_summary(StreamName=o)["StreamDescriptionSummary"]["OpenShardCount"] == 4
    pages = [k.list_shards(StreamName=o, MaxResults=3)]
    pages.append(k.list_shards(NextToken=pages[0]["NextToken"]))
    assert [len(p["Shards"]) for p in pages] == [3, 1] and "NextToken" not in pages[1]


@pytest.mark.parametrize("call, members, code, what", [
    ("create_stream", {"StreamName": "a b", "ShardCount": 1}, "ValidationException", "streamName"),
    ("create_stream", {"StreamName": "none"}, "InvalidArgumentException", "ShardCount"),
    ("create_stream", {"StreamName": "many", "ShardCount": 10001}, "LimitExceededException", "ShardCount"),
    ("create_stream", {"StreamName": "warm", "ShardCount": 1, "WarmThroughputMiBps": 1}, "InvalidArgumentException", "warmThroughputMiBps"),
    ("create_stream", {"StreamName": "wide", "ShardCount": 1, "MaxRecordSizeInKiB": 2048}, "InvalidArgumentException", "MaxRecordSizeInKiB"),
    ("get_records", {"ShardIterator": "AAAA"}, "InvalidArgumentException", "ShardIterator"),
    ("get_records", {"ShardIterator": "MTphOmI6MDoxOjA="}, "ExpiredIteratorException", "expired"),
    ("put_record", {"StreamName": "no-such", "Data": b"", "PartitionKey": "a"}, "ResourceNotFoundException", "no-such"),
    ("put_record", {"Data": b"", "PartitionKey": "a"}, "InvalidArgumentException", "StreamName"),
])
def test_what_is_refused(server, call, members, code, what):
    operation = "".join(w.capitalize() for w in call.split("_"))
    if members.get("Data") == b"":
        members = {**members, "Data": ""}
    r = json_call(server, "kinesis", operation, members)
    assert r.status == 400 and r.code() == code and what in str(r.json())


def test_records_that_are_too_large(k):
    s = stream(k)
    assert error(k.put_record, StreamName=s, Data=b"x" * (1024 * 1024), PartitionKey="a")[0] == "InvalidArgumentException"
    assert error(k.put_records, StreamName=s, Records=[{"Data": b"x" * 1000000, "PartitionKey": "a"}] * 6)[0] == "InvalidArgumentException"
    assert error(k.put_record, StreamName=s, Data=b"", PartitionKey="a", ExplicitHashKey=str(2**128))[0] == "InvalidArgumentException"
    assert k.get_records(ShardIterator=iterator(k, s))["Records"] == []


# --- a data stream as the source of a delivery stream ---

def source(k, s):
    return {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": {
        "KinesisStreamARN": k.describe_stream(StreamName=s)["StreamDescription"]["StreamARN"], "RoleARN": ROLE}}


def destination(bucket):
    return {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{bucket}", "Prefix": "d/", "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}}


def delivered(server, bucket):
    return b"".join(v for _, v in sorted(server.objects(bucket, "d/").items()))


def test_a_delivery_stream_reads_it_over_kills(make_server):
    server = make_server().start()
    s, d, b = stream(server.kinesis, 3), name("ds"), server.bucket()
    server.kinesis.put_record(StreamName=s, Data=b"before", PartitionKey="a")
    firehose = server.client("firehose", validate=False)
    firehose.create_delivery_stream(DeliveryStreamName=d, ExtendedS3DestinationConfiguration=destination(b), **source(server.kinesis, s))
    for i in range(40):
        server.kinesis.put_records(StreamName=s, Records=[{"Data": b"%03d-%02d;" % (i, k), "PartitionKey": str(k)} for k in range(10)])
        if i in (13, 27):
            server.restart()
    want = b"".join(b"%03d-%02d;" % (i, k) for i in range(40) for k in range(10))
    until("everything is delivered", lambda: delivered(server, b) == want, 60)
    found = server.firehose.describe_delivery_stream(DeliveryStreamName=d)["DeliveryStreamDescription"]
    assert found["DeliveryStreamType"] == "KinesisStreamAsSource"
    assert found["Source"]["KinesisStreamSourceDescription"]["KinesisStreamARN"].endswith(s)
    assert error(server.firehose.put_record, DeliveryStreamName=d, Record={"Data": b"x"})[0] == "InvalidArgumentException"
    assert d in server.firehose.list_delivery_streams(DeliveryStreamType="KinesisStreamAsSource")["DeliveryStreamNames"]
    assert d not in server.firehose.list_delivery_streams(DeliveryStreamType="DirectPut")["DeliveryStreamNames"]
    p = server.run("verify", "--streams")
    assert p.returncode == 0 and "400" in p.stdout, p.stdout + p.stderr
    # Another stream of that name is another stream.
    server.kinesis.delete_stream(StreamName=s)
    server.kinesis.create_stream(StreamName=s, ShardCount=1)
    server.restart()
    server.kinesis.put_record(StreamName=s, Data=b"other", PartitionKey="a")
    e = server.bucket()
    server.client("firehose", validate=False).create_delivery_stream(DeliveryStreamName=d + "2", ExtendedS3DestinationConfiguration=destination(e),
                                           **source(server.kinesis, s))
    server.kinesis.put_record(StreamName=s, Data=b"new", PartitionKey="a")
    until("the new one is delivered", lambda: delivered(server, e) == b"new")
    assert delivered(server, b) == want and "was deleted" in server.log()


def test_a_source_has_to_be_there(server, k):
    f = server.client("firehose", validate=False)
    members = {"DeliveryStreamName": name("ds"), "ExtendedS3DestinationConfiguration": destination(server.bucket())}
    s = source(k, stream(k))
    for wrong in ({**s, "KinesisStreamSourceConfiguration": {"KinesisStreamARN": "arn:aws:kinesis:x:1:stream/none", "RoleARN": ROLE}},
                  {"DeliveryStreamType": "KinesisStreamAsSource"}, {**s, "DeliveryStreamType": "DirectPut"}):
        code, _, message = error(f.create_delivery_stream, **members, **wrong)
        assert code == "InvalidArgumentException" and "Kinesis" in message
