# SPDX-License-Identifier: Apache-2.0
"""One script that imitations of these services answer with silent lies: dynamic partitioning and Parquet, then a query of it.

Every line is honoured or refused: the objects are cut by the hints, their names have evaluated keys, they are Parquet by
the table, the query counts them, and a wrong key is told so.
"""
import json
import os
import re

import rig

SECONDS = int(os.environ.get("MULGIL_HINT_SECONDS", "2"))  # of the buffering hint; 60 in the cloud
SESSIONS = ["s1", "s2", "s3", "s4"]
PARQUET = {"InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
           "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
           "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}


def table(server, bucket):
    d = rig.name("d").replace("-", "_")
    where = {"Columns": [{"Name": "session", "Type": "string"}, {"Name": "pulse", "Type": "int"}], **PARQUET}
    server.glue.create_database(DatabaseInput={"Name": d})
    server.glue.create_table(DatabaseName=d, TableInput={
        "Name": "sensor", "TableType": "EXTERNAL_TABLE", "PartitionKeys": [{"Name": "part", "Type": "string"}],
        "StorageDescriptor": {**where, "Location": f"s3://{bucket}/sensor/"}})
    for s in SESSIONS:
        server.glue.create_partition(DatabaseName=d, TableName="sensor", PartitionInput={
            "Values": [s], "StorageDescriptor": {**where, "Location": f"s3://{bucket}/sensor/session={s}/"}})
    return d


def stream(server, bucket, database):
    name = rig.name("s")
    server.client("firehose", validate=False).create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration={
        "RoleARN": rig.ROLE, "BucketARN": f"arn:aws:s3:::{bucket}",
        "Prefix": "sensor/session=!{partitionKeyFromQuery:session}/dt=!{timestamp:yyyy-MM-dd}/",
        "ErrorOutputPrefix": "failed/!{firehose:error-output-type}/",
        "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": SECONDS},
        "DynamicPartitioningConfiguration": {"Enabled": True},
        "ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "MetadataExtraction", "Parameters": [
            {"ParameterName": "MetadataExtractionQuery", "ParameterValue": "{session: .session}"},
            {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"}]}]},
        "DataFormatConversionConfiguration": {
            "Enabled": True, "SchemaConfiguration": {"RoleARN": rig.ROLE, "DatabaseName": database, "TableName": "sensor", "Region": rig.REGION},
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}}}})
    return name


def query(server, bucket, database, sql):
    q = server.athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": database},
                                            ResultConfiguration={"OutputLocation": f"s3://{bucket}/results/"})["QueryExecutionId"]

    def ended():
        state = server.athena.get_query_execution(QueryExecutionId=q)["QueryExecution"]["Status"]
        return state["State"] not in ("QUEUED", "RUNNING") and state
    state = rig.until("the query's end", ended, 60)
    assert state["State"] == "SUCCEEDED", state
    return [[c.get("VarCharValue") for c in r["Data"]] for r in server.athena.get_query_results(QueryExecutionId=q)["ResultSet"]["Rows"]]


def test_the_seven_silent_lies(make_server):
    srv = make_server().start()
    b = srv.bucket()
    d = table(srv, b)
    s = stream(srv, b, d)
    for batch in range(4):
        records = [{"session": SESSIONS[i % 4], "pulse": 50 + batch * 50 + i} for i in range(50)]
        r = srv.firehose.put_record_batch(DeliveryStreamName=s, Records=[{"Data": json.dumps(x).encode()} for x in records])
        assert r["FailedPutCount"] == 0
    # Delivered as the hints say: not before, and cut by partition, not by record.
    rig.until("the objects", lambda: len(srv.objects(b, "sensor/")) >= 4, 60)
    rig.until("the account", lambda: json.loads(srv.run("verify", "--streams", "--output", "json").stdout)[0]["pending"] == 0)
    objects = srv.objects(b, "sensor/")
    assert len(objects) < 40 and not srv.objects(b, "failed/")
    for key, body in objects.items():
        assert re.fullmatch(rf"sensor/session=s[1-4]/dt=20\d\d-\d\d-\d\d/{s}-1-[0-9-]+[0-9a-f-]+\.parquet", key), key
        assert body[:4] == body[-4:] == b"PAR1"
    assert query(srv, b, d, "select count(*), max(pulse) from sensor")[1] == ["200", "249"]
    assert query(srv, b, d, "select part, count(*) from sensor group by part order by part")[1:] == [
        ["s1", "52"], ["s2", "52"], ["s3", "48"], ["s4", "48"]]
    for access_key, secret in ((rig.ACCESS_KEY, "x" * 40), ("AKIAWRONGWRONGWRONGW", rig.SECRET)):
        code, status, _ = rig.error(srv.client("s3", access_key, secret).list_buckets)
        assert status == 403 and code in ("SignatureDoesNotMatch", "InvalidAccessKeyId")
    for i in range(64):
        srv.s3.put_object(Bucket=b, Key=f"put/{i}", Body=bytes([i]) * (1 << 20))
    assert len(srv.objects(b, "put/")) == 64
    assert srv.run("verify", "--streams").returncode == 0
