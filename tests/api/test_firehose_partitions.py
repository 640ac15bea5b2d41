# SPDX-License-Identifier: Apache-2.0
"""Dynamic partitioning without a cliff: thousands of partitions at once, without buffering, beyond the memory, over a crash."""
import collections
import json

import rig

TARGET = "destinationId-000000000001"
PARTITIONS = 10_000 if not rig.SANITIZED else 1_000


def stream(server, bucket, **more):
    return server.stream(bucket, "!{partitionKeyFromQuery:k}/", ErrorOutputPrefix="failed/!{firehose:error-output-type}/",
                         DynamicPartitioningConfiguration={"Enabled": True}, ProcessingConfiguration={"Enabled": True, "Processors": [
                             {"Type": "MetadataExtraction", "Parameters": [
                                 {"ParameterName": "MetadataExtractionQuery", "ParameterValue": "{k: .k}"},
                                 {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"}]}]}, **more)


def put(server, s, records):
    r = server.firehose.put_record_batch(DeliveryStreamName=s, Records=[{"Data": json.dumps(x).encode() + b"\n"} for x in records])
    assert r["FailedPutCount"] == 0


def account(server, s):
    p = server.run("verify", "--streams", "--output", "json")
    assert p.returncode == 0, p
    return next(x for x in json.loads(p.stdout) if x["stream"] == s)


def keys(server, bucket, prefix=""):
    return [o["Key"] for page in server.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix) for o in page.get("Contents", [])]


def test_ten_thousand_partitions_without_buffering(make_server):
    srv = make_server().start()
    b = srv.bucket()
    s = stream(srv, b)
    for first in range(0, PARTITIONS, 500):
        put(srv, s, [{"k": f"p{first + i}"} for i in range(500)])
    rig.until("all of it", lambda: account(srv, s)["pending"] == 0, 120)
    found = keys(srv, b)
    assert len(found) == PARTITIONS and {k.split("/")[0] for k in found} == {f"p{i}" for i in range(PARTITIONS)}
    a = account(srv, s)
    assert (a["accepted"], a["delivered"], a["items"]) == (PARTITIONS, PARTITIONS, PARTITIONS)


def test_partitions_beyond_the_memory_go_early_and_once(make_server):
    """320 buffers of 900 s and 120,000 bytes do not fit: the oldest go, a crash repeats none, an update drains the rest."""
    n = 320
    srv = make_server().start()
    b = srv.bucket()
    s = stream(srv, b, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 900})
    for first in range(0, n, 32):
        put(srv, s, [{"k": f"p{first + i}", "n": 0, "fill": "x" * 120_000} for i in range(32)])
    early = rig.until("some go early", lambda: keys(srv, b), 60)
    assert len(early) < n // 2
    srv.restart()
    put(srv, s, [{"k": f"p{i}", "n": 1} for i in range(n)])
    assert account(srv, s)["accepted"] == 2 * n
    answer = rig.json_call(srv, "firehose", "UpdateDestination", {
        "DeliveryStreamName": s, "CurrentDeliveryStreamVersionId": "1", "DestinationId": TARGET,
        "ExtendedS3DestinationUpdate": {"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}}})
    assert answer.status == 200, answer.body
    rig.until("all of it", lambda: account(srv, s)["pending"] == 0, 120)
    seen = collections.Counter()
    for key in keys(srv, b):
        for line in srv.s3.get_object(Bucket=b, Key=key)["Body"].read().splitlines():
            x = json.loads(line)
            assert key.startswith(x["k"] + "/")
            seen[x["k"], x["n"]] += 1
    assert len(seen) == 2 * n and set(seen.values()) == {1}


def test_keys_stay_in_their_place(server):
    b = server.bucket()
    s = stream(server, b)
    put(server, s, [{"k": "../../etc"}, {"k": "a/b"}, {"k": "ü"}, {"k": ""}, {"k": None}, {"other": 1}, {"k": "x" * 1100}])
    rig.until("all of it", lambda: account(server, s)["pending"] == 0)
    found = keys(server, b)
    good = {k.rsplit("/", 1)[0] for k in found if not k.startswith("failed/")}
    assert good == {"../../etc", "a/b", "ü"}  # as AWS: a value is put as it is; no file is called after it
    failed = [json.loads(x) for body in server.objects(b, "failed/metadata-extraction-failed/").values() for x in body.splitlines()]
    assert len(failed) == 4 and {x["errorCode"] for x in failed} == {"DynamicPartitioning.MetadataExtractionFailed"}
    a = account(server, s)
    assert (a["delivered"], a["rejected"]) == (3, 4)
