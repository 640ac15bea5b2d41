# SPDX-License-Identifier: Apache-2.0
"""Processors of delivery streams through boto3: partition keys by jq, functions that behave and that do not, records cut and unpacked."""
import base64
import collections
import gzip
import io
import json
import re
import struct
import zipfile

import pytest
import snappy

import rig

ERRORS = "errors/!{firehose:error-output-type}/"
NOT_JSON = "Non JSON record provided"
EMPTY = "partitionKeys values must not be null or empty"
EXTRACTION = "DynamicPartitioning.MetadataExtractionFailed"


@pytest.fixture(scope="module")
def bucket(shared):
    return shared.bucket()


def processor(kind, **parameters):
    return {"Type": kind, "Parameters": [{"ParameterName": k, "ParameterValue": v} for k, v in parameters.items()]}


def jq(query):
    return processor("MetadataExtraction", MetadataExtractionQuery=query, JsonParsingEngine="JQ-1.6")


def deaggregation(kind="JSON", **more):
    return processor("RecordDeAggregation", SubRecordType=kind, **more)


class Stream:
    """A stream into a folder of its own in @bucket; .data and .errors are what came out there."""

    def __init__(self, server, bucket, *processors, keys=None, **more):
        self.server, self.bucket, self.folder = server, bucket, rig.name("d") + "/"
        if keys is not None:
            more["DynamicPartitioningConfiguration"] = {"Enabled": True}
        self.name = server.stream(bucket, self.folder + "data/" + (keys or ""), ErrorOutputPrefix=self.folder + ERRORS,
                                  ProcessingConfiguration={"Enabled": True, "Processors": list(processors)}, **more)

    def put(self, *records):
        at = 0
        while at < len(records):
            r = self.server.firehose.put_record_batch(DeliveryStreamName=self.name,
                                                      Records=[{"Data": x} for x in records[at:at + 500]])
            assert r["FailedPutCount"] == 0
            at += 500
        return self

    def data(self):
        """Bytes by what stands between the stream's folder and the object's own name."""
        found = collections.defaultdict(bytes)
        for key, body in sorted(self.server.objects(self.bucket, self.folder + "data/").items()):
            found[key[len(self.folder) + 5:].rpartition("/")[0]] += body
        return dict(found)

    def errors(self):
        """(error type, document) of every failed record."""
        return [(key[len(self.folder):].split("/")[1], json.loads(line))
                for key, body in sorted(self.server.objects(self.bucket, self.folder + "errors/").items())
                for line in body.splitlines()]

    def all(self, data, errors=0, seconds=30):
        """Waits for as many bytes of data and failed records."""
        rig.until(f"{data} bytes and {errors} failed records of {self.name}", lambda: (
            sum(map(len, self.data().values())), len(self.errors())) == (data, errors), seconds)
        return self.data(), self.errors()


def raw(document):
    return base64.b64decode(document["rawData"])


# --- partition keys by jq ---

def test_partitions_by_jq(server, bucket):
    s = Stream(server, bucket, jq('{person:.person, year:(.at|strftime("%Y")), ok:.ok}'),
               keys="p=!{partitionKeyFromQuery:person}/y=!{partitionKeyFromQuery:year}/!{partitionKeyFromQuery:ok}/")
    records = [json.dumps({"person": p, "at": at, "ok": True, "i": i}).encode() + b"\n"
               for i in range(50) for p, at in (("ann", 1565382027), ("bob", 1795380007), (7, 0))]
    data, errors = s.put(*records).all(sum(map(len, records)))
    assert sorted(data) == ["p=7/y=1970/true", "p=ann/y=2019/true", "p=bob/y=2026/true"] and not errors
    assert b"".join(sorted(b"".join(data.values()).splitlines(True))) == b"".join(sorted(records))


def test_records_without_keys_go_to_the_error_prefix(server, bucket):
    s = Stream(server, bucket, jq("{k:.a.b}"), keys="!{partitionKeyFromQuery:k}/")
    bad = {b"no json": NOT_JSON, b'{"a":{"b":1}}{"a":{"b":2}}': NOT_JSON, b"{}": EMPTY, b'{"a":{"b":null}}': EMPTY,
           b'{"a":{"b":""}}': EMPTY, b'{"a":1}': 'Cannot index number with string "b"', b'{"a":{"b":[1]}}': "strings, numbers or booleans"}
    data, errors = s.put(b'{"a":{"b":"x"}}', *bad).all(15, len(bad))
    assert data == {"x": b'{"a":{"b":"x"}}'}
    for kind, e in errors:
        assert (kind, e["errorCode"], e["attemptsMade"]) == ("metadata-extraction-failed", EXTRACTION, 1)
        assert bad.pop(raw(e)) in e["errorMessage"], e
        assert e["arrivalTimestamp"] <= e["attemptEndingTimestamp"]
    assert not bad


def test_program_that_kills_or_never_ends_fails_its_record_alone(server, bucket):
    s = Stream(server, bucket, jq("def f: f; {k:(if .do==\"spin\" then f elif .do==\"die\" then ([]|.[500000000]=1|length) else .do end)}"),
               keys="!{partitionKeyFromQuery:k}/")
    good = [b'{"do":"a"}'] * 30
    data, errors = s.put(*good[:10], b'{"do":"spin"}', *good[10:20], b'{"do":"die"}', *good[20:]).all(300, 2, 60)
    assert data == {"a": b"".join(good)}
    assert sorted(raw(e) for _, e in errors) == [b'{"do":"die"}', b'{"do":"spin"}']


@pytest.mark.parametrize("query, named", [
    ("{k:.a", "missing at the end"), ("{k:foo}", "foo/0 is not defined"), (".a", "does not end with an object"),
    ("{k:env.HOME}", "env is not allowed"), ("{k:$ENV.HOME}", "$ENV is not allowed"), ("{k:input}", "input is not allowed"),
    ("import \"a\" as a; {k:1}", "import is not allowed"), ("halt|{k:1}", "halt is not allowed"),
    ("def f: f; {k:f}", "does not end within a second"), ("{(.a):1}", "computed"), ("{other:.a}", "no such key"),
    ("{k:.a, more:.b}", "the key more"),
])
def test_query_is_refused_at_creation(server, bucket, query, named):
    code, status, text = refused(server, bucket, jq(query), prefix="!{partitionKeyFromQuery:k}/", partitioned=True)
    assert (code, status) == ("InvalidArgumentException", 400) and named in text, text
    assert "MetadataExtractionQuery" in text


def refused(server, bucket, *processors, prefix="", partitioned=False):
    s = rig.name("s")
    answer = rig.json_call(server, "firehose", "CreateDeliveryStream", {"DeliveryStreamName": s, "ExtendedS3DestinationConfiguration": {
        "RoleARN": rig.ROLE, "BucketARN": f"arn:aws:s3:::{bucket}", "Prefix": prefix, "ErrorOutputPrefix": ERRORS,
        "DynamicPartitioningConfiguration": {"Enabled": partitioned},
        "ProcessingConfiguration": {"Enabled": True, "Processors": processors}}})
    assert answer.status >= 400, answer.body
    assert s not in server.firehose.list_delivery_streams(Limit=10000)["DeliveryStreamNames"]
    return answer.code(), answer.status, answer.json().get("message") or answer.json().get("Message")


FUNCTION = f"arn:aws:lambda:{rig.REGION}:{rig.ACCOUNT}:function:"


@pytest.mark.parametrize("one, named", [
    (processor("Decompression", CompressionFormat="ZIP"), "CompressionFormat ZIP"),
    (processor("Decompression", Delimiter="x"), "Delimiter"),
    (processor("CloudWatchLogProcessing", DataMessageExtraction="true"), "needs Decompression"),
    (processor("RecordDeAggregation"), "SubRecordType"),
    (deaggregation("XML"), "SubRecordType"),
    (deaggregation("DELIMITED"), "Delimiter"),
    (deaggregation("DELIMITED", Delimiter="####"), "Delimiter '####' is not base64"),
    (deaggregation("JSON", Delimiter="Iw=="), "Delimiter"),
    (deaggregation("JSON", BufferSizeInMBs="1"), "BufferSizeInMBs"),
    (processor("MetadataExtraction", MetadataExtractionQuery="{a:.a}"), "JsonParsingEngine"),
    (processor("MetadataExtraction", MetadataExtractionQuery="{a:.a}", JsonParsingEngine="JQ-1.7"), "JsonParsingEngine"),
    (processor("MetadataExtraction", JsonParsingEngine="JQ-1.6"), "MetadataExtractionQuery"),
    (jq("{a:.a}"), "MetadataExtraction"),  # without dynamic partitioning
    (processor("AppendDelimiterToRecord", Delimiter="\\x"), "Delimiter"),
    (processor("Lambda"), "LambdaArn"),
    (processor("Lambda", LambdaArn="arn:aws:lambda:us-west-1:1:function:f"), "LambdaArn"),
    (processor("Lambda", LambdaArn=FUNCTION + "nobody"), "LambdaArn"),
    (processor("Lambda", LambdaArn=FUNCTION + "f", NumberOfRetries="many"), "NumberOfRetries"),
    (processor("Lambda", LambdaArn=FUNCTION + "f", BufferSizeInMBs="0.1"), "BufferSizeInMBs"),
    (processor("Lambda", LambdaArn=FUNCTION + "f", BufferSizeInMBs="3.1"), "BufferSizeInMBs"),
    (processor("Lambda", LambdaArn=FUNCTION + "f", BufferIntervalInSeconds="901"), "BufferIntervalInSeconds"),
    (processor("Lambda", LambdaArn=FUNCTION + "f", RoleArn="me"), "RoleArn"),
    (processor("Lambda", LambdaArn=FUNCTION + "f", CompressionFormat="GZIP"), "CompressionFormat"),
])
def test_parameter_is_refused_by_name(server, bucket, one, named):
    code, status, text = refused(server, bucket, one)
    assert (code, status) == ("InvalidArgumentException", 400) and named in text and one["Type"] in text, text


# --- records that are several, packed, or log events ---

def test_deaggregation_then_partitions(server, bucket):
    s = Stream(server, bucket, jq("{k:.k}"), deaggregation(), processor("AppendDelimiterToRecord"), keys="!{partitionKeyFromQuery:k}/")
    objects = [{"k": k, "text": "}{", "i": i} for i in range(700) for k in "ab"]  # more than AWS's 500
    one = b"".join(json.dumps(o).encode() + (b"\n" if o["i"] % 2 else b"") for o in objects)
    data, errors = s.put(one, b'{"k":"c"} {"k":1}tail{"k":2}', b'{"i":1}').all(
        sum(len(json.dumps(o)) + 1 for o in objects) + len(b'{"k":"c"}\n{"k":1}\n'), 2)
    for k in "ab":
        assert [json.loads(x) for x in data[k].splitlines()] == [o for o in objects if o["k"] == k]
    assert (data["c"], data["1"]) == (b'{"k":"c"}\n', b'{"k":1}\n')
    assert sorted((raw(e), e["errorMessage"].rpartition(": ")[2]) for _, e in errors) == [(b'tail{"k":2}', NOT_JSON), (b'{"i":1}', EMPTY)]


def test_deaggregation_by_delimiter(server, bucket):
    s = Stream(server, bucket, deaggregation("DELIMITED", Delimiter=base64.b64encode(b"####").decode()),
               processor("AppendDelimiterToRecord", Delimiter="\\n--\\n"))
    data, _ = s.put(b"one####two########three####", b"four").all(31)
    assert b"".join(data.values()) == b"one\n--\ntwo\n--\nthree\n--\nfour\n--\n"


def envelope(kind="DATA_MESSAGE", messages=("m1", "m2"), **more):
    return json.dumps({"messageType": kind, "owner": "1", "logGroup": "g", "logStream": "s", "subscriptionFilters": ["f"],
                       "logEvents": [{"id": str(i), "timestamp": i, "message": m} for i, m in enumerate(messages)], **more}).encode()


def test_log_messages(server, bucket):
    s = Stream(server, bucket, processor("CloudWatchLogProcessing", DataMessageExtraction="true"), processor("Decompression"))
    bad = {b"no gzip": "not gzip", gzip.compress(envelope())[:-3]: "cut off", gzip.compress(b"{}"): "CloudWatch Logs",
           gzip.compress(b"[]"): "JSON object", gzip.compress(bytes(17 << 20)): "more than 16777216 bytes"}
    data, errors = s.put(gzip.compress(envelope()), gzip.compress(envelope("CONTROL_MESSAGE", ["CWL is here"])),
                         gzip.compress(envelope(messages=['{"a":"\u00e4\\n"}', ""])), *bad).all(6 + 14, len(bad))
    assert b"".join(data.values()) == 'm1\nm2\n{"a":"\u00e4\\n"}\n\n'.encode()
    for kind, e in errors:
        assert kind == "decompression-failed" and bad.pop(raw(e)) in e["errorMessage"], e


def test_decompression_then_deaggregation_then_partitions(server, bucket):
    s = Stream(server, bucket, processor("Decompression"), processor("CloudWatchLogProcessing", DataMessageExtraction="true"),
               deaggregation(), jq("{k:.k}"), keys="!{partitionKeyFromQuery:k}/")
    data, errors = s.put(gzip.compress(envelope(messages=['{"k":1}', '{"k":2}', '{"k":1,"x":0}']))).all(7 + 7 + 13)
    assert data == {"1": b'{"k":1}{"k":1,"x":0}', "2": b'{"k":2}'} and not errors


def test_envelopes_stay_when_messages_are_not_extracted(server, bucket):
    s = Stream(server, bucket, processor("Decompression"), processor("CloudWatchLogProcessing", DataMessageExtraction="false"))
    data, _ = s.put(gzip.compress(envelope())).all(len(envelope()))
    assert list(data.values()) == [envelope()]


# --- functions ---

TRANSFORM = """
import base64

def one(r):
    data = base64.b64decode(r["data"])
    o = json.loads(data) if data[:1] == b"{" else {}
    do = o.get("do")
    out = {"recordId": r["recordId"], "result": "Ok", "data": base64.b64encode(data.upper()).decode()}
    if do == "drop":
        return {"recordId": r["recordId"], "result": "Dropped"}
    if do == "fail":
        return {"recordId": r["recordId"], "result": "ProcessingFailed", "data": r["data"]}
    if do == "forget":
        return None
    if do == "rename":
        out["recordId"] = "somebody-else"
    if do == "nodata":
        out["data"] = None
    if do == "nobase64":
        out["data"] = "***"
    if do == "odd":
        out["result"] = "Fine"
    if "keys" in o:
        out["metadata"] = {"partitionKeys": o["keys"]}
    return out

def handle(event):
    with open(SHARED + "/" + event["deliveryStreamArn"].rpartition("/")[2], "a") as f:
        f.write(json.dumps(event) + "\\n")
    first = base64.b64decode(event["records"][0]["data"])
    o = json.loads(first) if first[:1] == b"{" else {}
    if o.get("raise"):
        raise ValueError("as asked")
    if "sleep" in o:
        time.sleep(o["sleep"])
    if "answer" in o:
        return o["answer"]
    if "large" in o:
        return {"records": [], "x": "x" * o["large"]}
    records = [x for x in map(one, event["records"]) if x]
    if o.get("do") == "twice":
        records.append(dict(records[0]))
    return {"records": records}
"""


@pytest.fixture(scope="module")
def transform(shared):
    f = shared.function(f"SHARED = {shared.shared!r}\n" + TRANSFORM, timeout=int(3 * rig.SLOW))
    return shared.client("lambda").get_function_configuration(FunctionName=f)["FunctionArn"]


def events(server, s):
    try:
        with open(f"{server.shared}/{s.name}", encoding="utf-8") as f:
            return [json.loads(x) for x in f]
    except FileNotFoundError:
        return []


def function(arn, **more):
    return processor("Lambda", LambdaArn=arn, **more)


def test_function_transforms(server, bucket, transform):
    s = Stream(server, bucket, function(transform))
    records = [f"record {i}\n".encode() for i in range(600)] + [b"", b"\x00\xff"]
    data, errors = s.put(*records).all(sum(map(len, records)))
    assert b"".join(data.values()) == b"".join(records).upper() and not errors
    got = events(server, s)
    assert len({e["invocationId"] for e in got}) == len(got)
    for e in got:
        assert (e["region"], e["deliveryStreamArn"]) == (rig.REGION, f"arn:aws:firehose:{rig.REGION}:{rig.ACCOUNT}:deliverystream/{s.name}")
        assert set(e) == {"invocationId", "deliveryStreamArn", "region", "records"}
    seen = [r for e in got for r in e["records"]]
    assert [base64.b64decode(r["data"]) for r in seen] == records
    assert len({r["recordId"] for r in seen}) == len(records)
    assert all(set(r) == {"recordId", "approximateArrivalTimestamp", "data"} and r["approximateArrivalTimestamp"] > 1.6e12 for r in seen)


def test_what_a_function_says_of_single_records(server, bucket, transform):
    s = Stream(server, bucket, function(transform))
    codes = {"fail": "Lambda.ProcessingFailedStatus", "forget": "Lambda.MissingRecordId", "rename": "Lambda.MissingRecordId",
             "nodata": "Lambda.InvalidReturnFormat", "nobase64": "Lambda.FunctionError"}
    good = [b'{"do":"good"}\n'] * 5
    data, errors = s.put(*good, b'{"do":"drop"}', *(json.dumps({"do": d}).encode() for d in codes)).all(len(good) * 14, len(codes))
    assert b"".join(data.values()) == b"".join(good).upper()
    for kind, e in errors:
        assert kind == "processing-failed" and e["errorCode"] == codes.pop(json.loads(raw(e))["do"])
        assert (e["attemptsMade"], e["lambdaArn"]) == (1, transform) and e["errorMessage"]
    assert not codes and len(events(server, s)) >= 1


@pytest.mark.parametrize("first, code, attempts", [
    ({"raise": True}, "Lambda.FunctionError", 2), ({"large": 7 << 20}, "Lambda.FunctionError", 2),
    ({"answer": "rubbish"}, "Lambda.MissingRecordId", 1), ({"answer": {"records": {}}}, "Lambda.MissingRecordId", 1),
    ({"answer": {"records": []}}, "Lambda.MissingRecordId", 1), ({"answer": None}, "Lambda.MissingRecordId", 1),
    ({"do": "odd"}, "Lambda.JsonProcessingException", 1), ({"do": "twice"}, "Lambda.DuplicatedRecordId", 1),
])
def test_function_that_fails_as_a_whole(server, bucket, transform, first, code, attempts):
    s = Stream(server, bucket, function(transform, NumberOfRetries="1"))
    records = [json.dumps(first).encode()] + [b"second"] * (first.get("do") != "twice")
    _, errors = s.put(*records).all(0, len(records))
    assert sorted(raw(e) for _, e in errors) == sorted(records)
    assert {(k, e["errorCode"], e["attemptsMade"]) for k, e in errors} == {("processing-failed", code, attempts)}
    assert len(events(server, s)) == attempts
    assert len({json.dumps([r["recordId"] for r in e["records"]]) for e in events(server, s)}) == 1


def test_function_that_hangs(server, bucket, transform):
    s = Stream(server, bucket, function(transform, NumberOfRetries="0"))
    _, errors = s.put(b'{"sleep":600}').all(0, 1, 60)
    assert errors[0][1]["errorCode"] == "Lambda.FunctionTimedOut" and raw(errors[0][1]) == b'{"sleep":600}'


def test_function_that_is_deleted(server, bucket):
    f = server.function(TRANSFORM)
    arn = server.client("lambda").get_function_configuration(FunctionName=f)["FunctionArn"]
    s = Stream(server, bucket, function(arn, NumberOfRetries="1"))
    server.client("lambda").delete_function(FunctionName=f)
    _, errors = s.put(b"x").all(0, 1)
    assert (errors[0][1]["errorCode"], errors[0][1]["attemptsMade"]) == ("Lambda.ResourceNotFound", 2)


def test_invocations_are_no_larger_than_the_hint(server, bucket, transform):
    s = Stream(server, bucket, function(transform, BufferSizeInMBs="0.2"))
    s.put(*[b"x" * 100000] * 8).all(800000)
    assert max(len(e["records"]) for e in events(server, s)) == 2
    assert sum(len(e["records"]) for e in events(server, s)) == 8


def test_partitions_by_a_function(server, bucket, transform):
    s = Stream(server, bucket, function(transform), jq("{k:.DO}"),
               keys="!{partitionKeyFromLambda:who}/!{partitionKeyFromQuery:k}/")
    ok = [json.dumps({"do": "x", "keys": {"who": w, "unused": "u"}}).encode() for w in ("ann", "bob", 7)]
    bad = [json.dumps({"do": "x", "keys": {"who": w}}).encode() for w in ("", None, {})] + [b'{"do":"x"}']
    data, errors = s.put(*ok, *bad).all(sum(map(len, ok)), len(bad))
    assert data == {f"{w}/X": r.upper() for w, r in zip(("ann", "bob", "7"), ok)}
    assert {(k, e["errorCode"]) for k, e in errors} == {("metadata-extraction-failed", EXTRACTION)}


# --- exactly once ---

@pytest.mark.parametrize("with_function", [False, True])
def test_processed_exactly_once_though_the_server_is_killed(make_server, with_function):
    server = make_server().start()
    chain, upper = [deaggregation(), processor("AppendDelimiterToRecord")], lambda b: b
    if with_function:
        f = server.function(f"SHARED = {server.shared!r}\n" + TRANSFORM)
        chain.append(function(server.client("lambda").get_function_configuration(FunctionName=f)["FunctionArn"]))
        upper = bytes.upper
    query = '{k:(.K // .k),bad:(.BAD // .bad // "no" | if ascii_downcase == "yes" then error("bad") else . end)}'
    s = Stream(server, server.bucket(), *chain, jq(query), keys="!{partitionKeyFromQuery:k}/!{partitionKeyFromQuery:bad}/")
    good, bad = [], []
    for n in range(6):
        records = []
        for i in range(60):
            parts = [json.dumps({"k": f"p{(i + j) % 7}", "n": n, "i": i, "j": j}).encode() for j in range(4)]
            wrong = json.dumps({"k": "x", "bad": "yes", "n": n, "i": i}).encode()
            records.append(b"".join(parts) + wrong * (i % 20 == 0))
            good += parts
            bad += [wrong] * (i % 20 == 0)
        s.put(*records)
        server.restart()
    data, errors = s.all(sum(len(g) + 1 for g in good), len(bad), 60)
    assert sorted(b"".join(data.values()).splitlines()) == sorted(map(upper, good))
    assert sorted(raw(e) for _, e in errors) == sorted(bad)
    rig.until("the accounts are even", lambda: server.run("verify", "--streams").returncode == 0)


# --- what describe says ---

def test_describe_shows_processors_with_their_defaults(server, bucket, transform):
    s = Stream(server, bucket, function(transform), processor("Decompression"), jq("{k:.k}"), keys="!{partitionKeyFromQuery:k}/")
    d = server.firehose.describe_delivery_stream(DeliveryStreamName=s.name)["DeliveryStreamDescription"]
    p = d["Destinations"][0]["ExtendedS3DestinationDescription"]["ProcessingConfiguration"]
    assert p["Enabled"] is True
    got = {x["Type"]: {y["ParameterName"]: y["ParameterValue"] for y in x["Parameters"]} for x in p["Processors"]}
    assert got["Lambda"] == {"LambdaArn": transform, "NumberOfRetries": "3", "RoleArn": rig.ROLE, "BufferSizeInMBs": "1",
                             "BufferIntervalInSeconds": "60"}
    assert got["Decompression"] == {"CompressionFormat": "GZIP"}
    assert got["MetadataExtraction"] == {"MetadataExtractionQuery": "{k:.k}", "JsonParsingEngine": "JQ-1.6"}


# --- compressions, by other people's readers ---

def unzip(body):
    with zipfile.ZipFile(io.BytesIO(body)) as z:
        (info,) = z.infolist()
        assert info.compress_type == zipfile.ZIP_DEFLATED and z.testzip() is None
        return z.read(info)


def unxerial(body):
    assert body[:16] == b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)
    at, out = 16, b""
    while at < len(body):
        (n,) = struct.unpack_from(">i", body, at)
        out += snappy.uncompress(body[at + 4:at + 4 + n])
        at += 4 + n
    return out


def unhadoop(body):
    out = io.BytesIO()
    snappy.hadoop_snappy.stream_decompress(io.BytesIO(body), out)
    return out.getvalue()


@pytest.mark.parametrize("name, extension, encoding, unpack", [
    ("GZIP", ".gz", "gzip", gzip.decompress), ("ZIP", ".zip", "zip", unzip), ("Snappy", ".snappy", "snappy-java", unxerial),
    ("HADOOP_SNAPPY", ".snappy", "hadoop-snappy", unhadoop)])
def test_compression_is_read_by_others(server, bucket, name, extension, encoding, unpack):
    folder = rig.name("d") + "/"
    s = server.stream(bucket, folder, CompressionFormat=name)
    records = [json.dumps({"i": i, "x": "abc" * 30}).encode() + b"\n" for i in range(3000)]
    for at in range(0, 3000, 500):
        server.firehose.put_record_batch(DeliveryStreamName=s, Records=[{"Data": r} for r in records[at:at + 500]])
    rig.until("all records", lambda: sum(len(unpack(b)) for b in server.objects(bucket, folder).values()) == sum(map(len, records)))
    found = server.objects(bucket, folder)
    assert b"".join(unpack(found[k]) for k in sorted(found)) == b"".join(records)
    for key in found:
        assert re.search(re.escape(extension) + "$", key)
        head = server.s3.head_object(Bucket=bucket, Key=key)
        assert (head["ContentEncoding"], head["ContentType"]) == (encoding, "application/octet-stream")
