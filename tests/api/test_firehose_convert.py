# SPDX-License-Identifier: Apache-2.0
"""Record format conversion: JSON in, Parquet by a Glue table out, read back by SQL; what does not fit, in the error prefix."""
import base64
import json
import struct

import pytest

import rig

ROLE = "arn:aws:iam::" + rig.ACCOUNT + ":role/firehose"
PARQUET = {"InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
           "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
           "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}
COLUMNS = {"id": "bigint", "name": "string", "at": "timestamp", "price": "decimal(10,2)", "day": "date", "tags": "array<string>",
           "who": "struct<age:int,parts:map<string,double>>", "bytes": "binary", "ok": "boolean"}


class World:
    """A bucket, a database, and tables in them."""

    def __init__(self, server):
        self.server, self.bucket, self.db = server, server.bucket(), rig.name("d").replace("-", "_")
        server.glue.create_database(DatabaseInput={"Name": self.db})

    def table_input(self, name, columns):
        return {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {
            "Columns": [{"Name": n, "Type": t} for n, t in columns.items()], "Location": f"s3://{self.bucket}/{name}/", **PARQUET}}

    def table(self, columns):
        name = rig.name("t").replace("-", "_")
        self.server.glue.create_table(DatabaseName=self.db, TableInput=self.table_input(name, columns))
        return name

    def conversion(self, table, serde=None, parquet=None, **schema):
        return {"SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": self.db, "TableName": table, **schema},
                "InputFormatConfiguration": {"Deserializer": serde or {"OpenXJsonSerDe": {}}},
                "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": parquet or {}}}}

    def destination(self, table, conversion=None, **more):
        return {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{self.bucket}", "Prefix": f"{table}/!{{timestamp:yyyy}}/",
                "ErrorOutputPrefix": f"errors/{table}/!{{firehose:error-output-type}}/",
                "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 0},
                "DataFormatConversionConfiguration": conversion or self.conversion(table), **more}

    def stream(self, table, conversion=None, **more):
        s = rig.name("s")
        self.server.client("firehose", validate=False).create_delivery_stream(
            DeliveryStreamName=s, ExtendedS3DestinationConfiguration=self.destination(table, conversion, **more))
        return s

    def put(self, stream, *records):
        r = self.server.firehose.put_record_batch(DeliveryStreamName=stream, Records=[
            {"Data": x if isinstance(x, bytes) else json.dumps(x).encode()} for x in records])
        assert r["FailedPutCount"] == 0

    def rows(self, sql):
        a = self.server.athena
        q = a.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": self.db},
                                    ResultConfiguration={"OutputLocation": f"s3://{self.bucket}/results/"})["QueryExecutionId"]

        def look():
            s = a.get_query_execution(QueryExecutionId=q)["QueryExecution"]["Status"]
            return s["State"] not in ("QUEUED", "RUNNING") and s
        status = rig.until("the query's end", look, 60)
        assert status["State"] == "SUCCEEDED", status
        return [[c.get("VarCharValue") for c in r["Data"]] for r in a.get_query_results(QueryExecutionId=q)["ResultSet"]["Rows"]][1:]

    def rows_when(self, n, table, sql):
        """The answer to @sql once the table has @n rows; fails when there are more."""
        def look():
            have = int(self.rows(f"SELECT count(*) FROM {table}")[0][0])
            assert have <= n, f"{have} rows instead of {n}"
            return have == n
        rig.until(f"{n} rows of {table}", look, 60)
        return self.rows(sql)

    def errors(self, n, table, kind="format-conversion-failed"):
        def look():
            docs = [json.loads(line) for body in self.server.objects(self.bucket, f"errors/{table}/{kind}/").values()
                    for line in body.decode().splitlines()]
            assert len(docs) <= n
            return len(docs) == n and docs
        return rig.until(f"{n} error documents", look, 60)


@pytest.fixture(scope="module")
def world(shared):
    return World(shared)


def test_rows_of_every_type(server, world):
    t = world.table(COLUMNS)
    s = world.stream(t, Prefix=f"{t}/")
    world.put(s, {"ID": 1, "name": "é\u0000", "at": "2026-11-22T20:46:56.123456Z", "price": 12.345, "day": "2026-1-2",
                  "tags": ["a", None], "who": {"Age": 7, "parts": {"X": 0.5}}, "bytes": base64.b64encode(b"\x00\xff").decode(), "ok": True},
              {"id": "2", "at": 1518033528123, "other": [1, 2], "name": {"K": 1}}, b'{"id":3}\n{"id":4}\n')
    found = world.rows_when(4, t, "SELECT id, length(name) AS l, \"at\", price, day, tags, who.age, who.parts['x'] AS x, "
                                  f"to_hex(bytes) AS h, ok FROM {t} ORDER BY id")
    assert found == [["1", "2", "2026-11-22 20:46:56.123", "12.35", "2026-01-02", "[a, null]", "7", "0.5", "00FF", "true"],
                     ["2", "7", "2018-02-07 19:58:48.123"] + [None] * 7, ["3"] + [None] * 9, ["4"] + [None] * 9]
    assert world.rows(f"SELECT name FROM {t} WHERE id = 2") == [['{"k":1}']]
    for key, body in server.objects(world.bucket, f"{t}/").items():
        assert key.endswith(".parquet") and body[:4] == body[-4:] == b"PAR1"
        assert server.s3.head_object(Bucket=world.bucket, Key=key)["ContentEncoding"] == "hadoop-snappy"
    assert f"{s}: table {world.db}.{t} has no column for the key other" in server.log()


def test_what_does_not_fit_is_in_the_error_prefix(world):
    t = world.table({"id": "int", "v": "struct<x:int>"})
    s = world.stream(t)
    bad = [b'{"id":"oops"}', b'{"id":', b"", b"12", b'{"id":3000000000}', b'{"v":42}', b"\xff\xfe", b'[{"id":1}]', b'{"id":5}{"id":"x"}']
    world.put(s, {"id": 1}, *[x or b" " for x in bad], {"id": 2})
    assert world.rows_when(2, t, f"SELECT id FROM {t} ORDER BY id") == [["1"], ["2"]]
    docs = {base64.b64decode(d["rawData"]): d for d in world.errors(len(bad), t)}
    assert set(docs) == {x or b" " for x in bad}
    d = docs[b'{"id":"oops"}']
    assert d["lastErrorMessage"].startswith('Data does not match the schema. For input string: "oops"')
    assert d["dataCatalogTable"] == {"catalogId": rig.ACCOUNT, "databaseName": world.db, "tableName": t, "region": rig.REGION,
                                     "versionId": "LATEST", "catalogArn": None}
    assert d["attemptsMade"] == 1 and 1.6e12 < d["arrivalTimestamp"] <= d["attemptEndingTimestamp"]
    assert {x: docs[x]["lastErrorCode"].split(".")[1] for x in docs} == {
        b'{"id":"oops"}': "MalformedData", b'{"id":': "ParseError", b" ": "MalformedData", b"12": "MalformedData",
        b'{"id":3000000000}': "MalformedData", b'{"v":42}': "MalformedData", b"\xff\xfe": "ParseError", b'[{"id":1}]': "MalformedData",
        b'{"id":5}{"id":"x"}': "MalformedData"}


def test_a_column_that_is_added_is_filled_from_then_on(server, world):
    t = world.table({"id": "int"})
    s = world.stream(t)
    world.put(s, {"id": 1, "more": "early"})
    assert world.rows_when(1, t, f"SELECT id FROM {t}") == [["1"]]
    server.glue.update_table(DatabaseName=world.db, TableInput=world.table_input(t, {"id": "bigint", "more": "string"}))
    world.put(s, {"id": 3000000000, "more": "late"})
    assert world.rows_when(2, t, f"SELECT id, more FROM {t} ORDER BY id") == [["1", None], ["3000000000", "late"]]


def test_without_its_table_delivery_waits(server, world):
    t = world.table({"id": "int"})
    s = world.stream(t)
    server.glue.delete_table(DatabaseName=world.db, Name=t)
    at = server.log_size()
    world.put(s, {"id": 1}, {"id": 2})
    rig.until("the log says so", lambda: f"{t} does not exist" in server.log(at).lower() or "not found" in server.log(at).lower(), 30)
    server.glue.create_table(DatabaseName=world.db, TableInput=world.table_input(t, {"id": "int"}))
    assert world.rows_when(2, t, f"SELECT id FROM {t} ORDER BY id") == [["1"], ["2"]]


def test_hive_serde_and_its_timestamp_formats(world):
    t = world.table({"id": "int", "at": "timestamp"})
    s = world.stream(t, world.conversion(t, {"HiveJsonSerDe": {"TimestampFormats": ["dd/MM/yyyy HH:mm", "millis"]}},
                                         {"Compression": "GZIP", "WriterVersion": "V2", "EnableDictionaryCompression": False}))
    world.put(s, {"id": 1, "at": "22/11/2026 20:46"}, {"id": 2, "at": 1518033528123}, {"id": "3"}, {"id": 4, "at": "2026-11-22 20:46:00"})
    assert world.rows_when(2, t, f"SELECT id, \"at\" FROM {t} ORDER BY id") == [
        ["1", "2026-11-22 20:46:00.000"], ["2", "2018-02-07 19:58:48.123"]]
    assert {base64.b64decode(d["rawData"]) for d in world.errors(2, t)} == {b'{"id": "3"}', b'{"id": 4, "at": "2026-11-22 20:46:00"}'}


def test_keys_are_mapped(world):
    t = world.table({"ts": "string", "a_b": "int", "Mixed": "int"})
    s = world.stream(t, world.conversion(t, {"OpenXJsonSerDe": {
        "ColumnToJsonKeyMappings": {"ts": "timestamp"}, "ConvertDotsInJsonKeysToUnderscores": True}}))
    world.put(s, {"TimeStamp": "now", "a.b": 1, "MIXED": 2})
    assert world.rows_when(1, t, f"SELECT ts, a_b, mixed FROM {t}") == [["now", "1", "2"]]


@pytest.mark.parametrize("change, named", [
    (lambda d: d.update(CompressionFormat="GZIP"), "CompressionFormat"),
    (lambda d: d.update(BufferingHints={"SizeInMBs": 63, "IntervalInSeconds": 60}), "BufferingHints.SizeInMBs"),
    (lambda d: d["DataFormatConversionConfiguration"].pop("SchemaConfiguration"), "SchemaConfiguration"),
    (lambda d: d["DataFormatConversionConfiguration"]["SchemaConfiguration"].update(TableName="nosuch"), "TableName"),
    (lambda d: d["DataFormatConversionConfiguration"]["SchemaConfiguration"].update(DatabaseName="nosuch"), "SchemaConfiguration"),
    (lambda d: d["DataFormatConversionConfiguration"]["SchemaConfiguration"].update(VersionId="77"), "VersionId"),
    (lambda d: d["DataFormatConversionConfiguration"]["SchemaConfiguration"].update(Region="xx-nowhere-1"), "Region"),
    (lambda d: d["DataFormatConversionConfiguration"]["SchemaConfiguration"].update(CatalogId="1"), "CatalogId"),
    (lambda d: d["DataFormatConversionConfiguration"]["SchemaConfiguration"].pop("RoleARN"), "RoleARN"),
    (lambda d: d["DataFormatConversionConfiguration"]["OutputFormatConfiguration"].update(Serializer={"OrcSerDe": {}}), "OrcSerDe"),
    (lambda d: d["DataFormatConversionConfiguration"]["OutputFormatConfiguration"].update(
        Serializer={"ParquetSerDe": {"PageSizeBytes": 65536}}), "PageSizeBytes"),
    (lambda d: d["DataFormatConversionConfiguration"]["OutputFormatConfiguration"].update(
        Serializer={"ParquetSerDe": {"BlockSizeBytes": 67108864}}), "BlockSizeBytes"),
    (lambda d: d["DataFormatConversionConfiguration"]["OutputFormatConfiguration"].update(
        Serializer={"ParquetSerDe": {"MaxPaddingBytes": 1}}), "MaxPaddingBytes"),
    (lambda d: d["DataFormatConversionConfiguration"]["InputFormatConfiguration"].update(
        Deserializer={"HiveJsonSerDe": {"TimestampFormats": ["qq"]}}), "TimestampFormats"),
])
def test_what_cannot_be_honoured_is_refused_by_name(server, world, change, named):
    s, d = rig.name("s"), world.destination(world.table({"id": "int"}))
    change(d)
    answer = rig.json_call(server, "firehose", "CreateDeliveryStream", {"DeliveryStreamName": s, "ExtendedS3DestinationConfiguration": d})
    assert (answer.code(), answer.status) == ("InvalidArgumentException", 400), answer.body
    assert named.lower() in answer.body.decode().lower()
    assert s not in server.firehose.list_delivery_streams(Limit=10000)["DeliveryStreamNames"]


def test_defaults_are_described(server, world):
    t = world.table({"id": "int"})
    d = world.destination(t)
    del d["BufferingHints"]
    s = rig.name("s")
    server.firehose.create_delivery_stream(DeliveryStreamName=s, ExtendedS3DestinationConfiguration=d)
    told = server.firehose.describe_delivery_stream(DeliveryStreamName=s)["DeliveryStreamDescription"]["Destinations"][0][
        "ExtendedS3DestinationDescription"]
    assert told["BufferingHints"] == {"SizeInMBs": 128, "IntervalInSeconds": 300}
    assert told["DataFormatConversionConfiguration"]["Enabled"] is True
    assert told["DataFormatConversionConfiguration"]["SchemaConfiguration"]["TableName"] == t


def heart_rates(*rates):
    """Frames of layout ble.hr2a37@1: a length, flags, the rate."""
    return b"".join(struct.pack("<BBB", 2, 0, r) for r in rates)


def test_bytes_become_rows_by_their_layout(world):
    t = world.table({"layout_id": "string", "frame": "int", "raw": "struct<hr:int>"})
    s = world.stream(t, ProcessingConfiguration={"Enabled": True, "Processors": [
        {"Type": "mulgil:Layout", "Parameters": [{"ParameterName": "mulgil:Layout", "ParameterValue": "ble.hr2a37@1"}]}]})
    world.put(s, heart_rates(60, 61), heart_rates(62), heart_rates(63)[:2])
    assert world.rows_when(3, t, f"SELECT layout_id, frame, raw.hr FROM {t} ORDER BY 3") == [
        ["ble.hr2a37@1", "0", "60"], ["ble.hr2a37@1", "1", "61"], ["ble.hr2a37@1", "0", "62"]]
    (doc,) = world.errors(1, t, "processing-failed")
    assert base64.b64decode(doc["rawData"]) == heart_rates(63)[:2]
    assert "mulgil:Layout.framing" in doc.values()


def test_partitions_are_there_at_once_where_the_table_asks_for_it(server, world):
    t = rig.name("t").replace("-", "_")
    server.glue.create_table(DatabaseName=world.db, TableInput={
        **world.table_input(t, {"id": "int"}), "PartitionKeys": [{"Name": "year", "Type": "string"}, {"Name": "kind", "Type": "string"}],
        "Parameters": {"mulgil.partitions": "register"}})
    s = world.stream(t, Prefix=f"{t}/year=!{{timestamp:yyyy}}/kind=a/")
    world.put(s, {"id": 1, "kind": "b"})
    assert world.rows_when(1, t, f"SELECT id, kind, length(year) FROM {t}") == [["1", "a", "4"]]
    (p,) = server.glue.get_partitions(DatabaseName=world.db, TableName=t)["Partitions"]
    assert p["StorageDescriptor"]["Location"] == f"s3://{world.bucket}/{t}/year={p['Values'][0]}/kind=a/"


def test_partitions_are_left_to_others_where_it_does_not(server, world):
    t = rig.name("t").replace("-", "_")
    server.glue.create_table(DatabaseName=world.db, TableInput={
        **world.table_input(t, {"id": "int"}), "PartitionKeys": [{"Name": "kind", "Type": "string"}]})
    s = world.stream(t, Prefix=f"{t}/kind=a/!{{timestamp:yyyy}}/")
    world.put(s, {"id": 1})
    rig.until("the object", lambda: server.objects(world.bucket, f"{t}/kind=a/"), 30)
    assert server.glue.get_partitions(DatabaseName=world.db, TableName=t)["Partitions"] == []


def processor(kind, **parameters):
    return {"Type": kind, "Parameters": [{"ParameterName": n.replace("_", ":"), "ParameterValue": v} for n, v in parameters.items()]}


def test_frames_go_into_partitions_by_what_is_in_them(server, world):
    t = world.table({"frame": "int", "raw": "struct<hr:int>"})
    s = world.stream(t, Prefix=f"{t}/fast=!{{partitionKeyFromQuery:fast}}/", DynamicPartitioningConfiguration={"Enabled": True},
                     ProcessingConfiguration={"Enabled": True, "Processors": [
                         processor("mulgil:Layout", mulgil_Layout="ble.hr2a37@1"), processor("RecordDeAggregation", SubRecordType="JSON"),
                         processor("MetadataExtraction", MetadataExtractionQuery="{fast: (.raw.hr > 100)}", JsonParsingEngine="JQ-1.6")]})
    world.put(s, heart_rates(60, 161), heart_rates(62))
    assert world.rows_when(3, t, f"SELECT frame, raw.hr FROM {t} ORDER BY 2") == [["0", "60"], ["0", "62"], ["1", "161"]]
    assert {k.split("/")[1] for k in server.objects(world.bucket, f"{t}/")} == {"fast=true", "fast=false"}


def test_partitions_by_key_are_converted_one_by_one(server, world):
    t = world.table({"id": "int"})
    s = world.stream(t, Prefix=f"{t}/who=!{{partitionKeyFromQuery:who}}/", DynamicPartitioningConfiguration={"Enabled": True},
                     ProcessingConfiguration={"Enabled": True, "Processors": [processor(
                         "MetadataExtraction", MetadataExtractionQuery="{who: .who}", JsonParsingEngine="JQ-1.6")]})
    world.put(s, *[{"id": i, "who": f"p{i % 3}"} for i in range(30)], {"id": "x", "who": "p1"}, {"id": 5})
    assert world.rows_when(30, t, f"SELECT count(DISTINCT id) FROM {t}") == [["30"]]
    assert {k.split("/")[1] for k in server.objects(world.bucket, f"{t}/")} == {"who=p0", "who=p1", "who=p2"}
    world.errors(1, t)
    world.errors(1, t, "metadata-extraction-failed")


def test_a_crash_repeats_no_row(make_server):
    server = make_server().start()
    w = World(server)
    t = w.table({"id": "int"})
    s = w.stream(t)
    for at in range(0, 300, 50):
        w.put(s, *[{"id": i} if i % 7 else {"id": "x"} for i in range(at, at + 50)])
        if at % 100 == 50:
            server.restart()
    good = [i for i in range(300) if i % 7]
    assert w.rows_when(len(good), t, f"SELECT count(DISTINCT id), min(id), max(id) FROM {t}") == [[str(len(good)), "1", "299"]]
    w.errors(300 - len(good), t)
