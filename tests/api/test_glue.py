# SPDX-License-Identifier: Apache-2.0
"""Glue's catalog through boto3."""
import pytest

import rig


@pytest.fixture
def db(server):
    n = rig.name("d").replace("-", "_")
    server.glue.create_database(DatabaseInput={"Name": n, "Description": "d"})
    return n


def columns(*names):
    return [{"Name": n, "Type": "string"} for n in names]


def descriptor(location="s3://b/t/"):
    return {"Columns": columns("a", "b"), "Location": location,
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}


def table(server, db, name="t"):
    server.glue.create_table(DatabaseName=db, TableInput={
        "Name": name, "StorageDescriptor": descriptor(), "PartitionKeys": columns("dt", "hour"), "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet"}})
    return name


def partition(dt, hour):
    return {"Values": [dt, hour], "StorageDescriptor": descriptor(f"s3://b/t/{dt}/{hour}/")}


def test_databases(server, db):
    g = server.glue
    assert g.get_database(Name=db)["Database"]["Description"] == "d"
    assert db in [d["Name"] for p in g.get_paginator("get_databases").paginate() for d in p["DatabaseList"]]
    assert rig.error(g.create_database, DatabaseInput={"Name": db.upper()})[:2] == ("AlreadyExistsException", 400)
    g.update_database(Name=db, DatabaseInput={"Name": db, "Description": "new"})
    assert g.get_database(Name=db)["Database"]["Description"] == "new"
    g.delete_database(Name=db)
    for call in (g.get_database, g.delete_database):
        assert rig.error(call, Name=db)[:2] == ("EntityNotFoundException", 400)


def test_tables(server, db):
    g, t = server.glue, table(server, db)
    got = g.get_table(DatabaseName=db, Name=t)["Table"]
    assert (got["StorageDescriptor"]["Columns"], got["PartitionKeys"]) == (columns("a", "b"), columns("dt", "hour"))
    assert got["Parameters"] == {"classification": "parquet"}
    assert rig.error(g.create_table, DatabaseName=db, TableInput={"Name": t})[:2] == ("AlreadyExistsException", 400)
    g.update_table(DatabaseName=db, TableInput={"Name": t, "StorageDescriptor": {**descriptor(), "Columns": columns("a", "b", "c")},
                                                "PartitionKeys": columns("dt", "hour")})
    assert len(g.get_table(DatabaseName=db, Name=t)["Table"]["StorageDescriptor"]["Columns"]) == 3
    assert [x["Name"] for x in g.get_tables(DatabaseName=db)["TableList"]] == [t]
    g.delete_table(DatabaseName=db, Name=t)
    assert rig.error(g.get_table, DatabaseName=db, Name=t)[:2] == ("EntityNotFoundException", 400)
    assert rig.error(g.get_table, DatabaseName="absent", Name=t)[:2] == ("EntityNotFoundException", 400)


def test_partitions(server, db):
    g, t = server.glue, table(server, db)
    where = {"DatabaseName": db, "TableName": t}
    g.create_partition(PartitionInput=partition("2026-01-01", "00"), **where)
    made = g.batch_create_partition(PartitionInputList=[partition("2026-01-01", "00")] + [
        partition(f"2026-01-{d:02}", f"{h:02}") for d in (2, 3) for h in range(5)], **where)
    assert [(e["PartitionValues"], e["ErrorDetail"]["ErrorCode"]) for e in made["Errors"]] == [
        (["2026-01-01", "00"], "AlreadyExistsException")]
    assert g.get_partition(PartitionValues=["2026-01-02", "03"], **where)["Partition"]["StorageDescriptor"]["Location"] == (
        "s3://b/t/2026-01-02/03/")
    got = [p["Values"] for page in g.get_paginator("get_partitions").paginate(PaginationConfig={"PageSize": 3}, **where)
           for p in page["Partitions"]]
    assert len(got) == 11 and len(set(map(tuple, got))) == 11
    g.update_partition(PartitionValueList=["2026-01-02", "03"], PartitionInput={**partition("2026-01-02", "03"), "Parameters": {"k": "v"}},
                       **where)
    assert g.get_partition(PartitionValues=["2026-01-02", "03"], **where)["Partition"]["Parameters"] == {"k": "v"}
    g.delete_partition(PartitionValues=["2026-01-02", "03"], **where)
    assert rig.error(g.get_partition, PartitionValues=["2026-01-02", "03"], **where)[:2] == ("EntityNotFoundException", 400)
    assert rig.error(g.create_partition, PartitionInput={"Values": ["one"]}, **where)[:2] == ("InvalidInputException", 400)


@pytest.mark.parametrize("expression, n", [
    ("dt = '2026-01-02'", 5), ("dt > '2026-01-02'", 5), ("dt BETWEEN '2026-01-02' AND '2026-01-03' AND hour = '01'", 2),
    ("dt IN ('2026-01-02') OR hour = '04'", 6), ("hour LIKE '0%'", 10), ("NOT dt = '2026-01-02'", 5)])
def test_partition_expression(server, db, expression, n):
    t = table(server, db)
    server.glue.batch_create_partition(DatabaseName=db, TableName=t, PartitionInputList=[
        partition(f"2026-01-{d:02}", f"{h:02}") for d in (2, 3) for h in range(5)])
    assert len(server.glue.get_partitions(DatabaseName=db, TableName=t, Expression=expression)["Partitions"]) == n


def test_wrong_expression(server, db):
    t = table(server, db)
    assert rig.error(server.glue.get_partitions, DatabaseName=db, TableName=t, Expression="dt ==")[:2] == ("InvalidInputException", 400)


def test_sql_job(server, db):
    b = server.bucket()
    server.glue.create_table(DatabaseName=db, TableInput={"Name": "out", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {
        **descriptor(f"s3://{b}/out/"), "Columns": [{"Name": "n", "Type": "bigint"}, {"Name": "who", "Type": "string"}]}})
    server.s3.put_object(Bucket=b, Key="job.sql", Body=b"INSERT INTO out SELECT range, :who FROM range(10)")
    j = rig.name("j")
    server.glue.create_job(Name=j, Role=rig.ROLE, Command={"Name": "sql", "ScriptLocation": f"s3://{b}/job.sql"})
    assert server.glue.get_job(JobName=j)["Job"]["Command"]["Name"] == "sql"
    run = server.glue.start_job_run(JobName=j, Arguments={"--database": db, "--who": "me'; --"})["JobRunId"]

    def state():
        r = server.glue.get_job_run(JobName=j, RunId=run)["JobRun"]
        return r["JobRunState"] not in ("STARTING", "RUNNING") and r

    r = rig.until("the run's end", state, 60)
    assert r["JobRunState"] == "SUCCEEDED", r
    assert [k for k in server.objects(b, "out/")] and server.objects(b, "out/").popitem()[1][:4] == b"PAR1"
    assert [x["Id"] for x in server.glue.get_job_runs(JobName=j)["JobRuns"]] == [run]


def test_job_of_another_kind_is_refused(server):
    code, status, text = rig.error(server.glue.create_job, Name=rig.name("j"), Role=rig.ROLE,
                                   Command={"Name": "glueetl", "ScriptLocation": "s3://b/x.py"})
    assert (code, status) == ("InvalidInputException", 400) and "glueetl" in text


def test_catalog_survives_kill(make_server):
    s = make_server().start()
    s.glue.create_database(DatabaseInput={"Name": "d"})
    table(s, "d")
    s.glue.create_partition(DatabaseName="d", TableName="t", PartitionInput=partition("2026-01-01", "00"))
    s.restart()
    assert s.glue.get_table(DatabaseName="d", Name="t")["Table"]["Name"] == "t"
    assert len(s.glue.get_partitions(DatabaseName="d", TableName="t")["Partitions"]) == 1
