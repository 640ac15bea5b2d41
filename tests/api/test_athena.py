# SPDX-License-Identifier: Apache-2.0
"""Athena through boto3: queries over the catalog's tables, their results as CSV, and their errors."""
import json

import pytest

import rig

JSON_SERDE = {"InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
              "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
              "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}}


@pytest.fixture(scope="module")
def lake(shared):
    """A bucket and a database with one partitioned table of JSON lines: (bucket, database)."""
    b, d = shared.bucket(), rig.name("d").replace("-", "_")
    shared.glue.create_database(DatabaseInput={"Name": d})
    where = {"Columns": [{"Name": "who", "Type": "string"}, {"Name": "n", "Type": "bigint"}], **JSON_SERDE}
    shared.glue.create_table(DatabaseName=d, TableInput={
        "Name": "t", "TableType": "EXTERNAL_TABLE", "PartitionKeys": [{"Name": "dt", "Type": "string"}],
        "StorageDescriptor": {**where, "Location": f"s3://{b}/t/"}})
    for day in ("01", "02"):
        rows = [{"who": f"p{i}", "n": i} for i in range(int(day) * 5)]
        shared.s3.put_object(Bucket=b, Key=f"t/{day}/x.json", Body="".join(json.dumps(r) + "\n" for r in rows).encode())
        shared.glue.create_partition(DatabaseName=d, TableName="t", PartitionInput={
            "Values": [day], "StorageDescriptor": {**where, "Location": f"s3://{b}/t/{day}/"}})
    return b, d


def start(server, lake, sql, **more):
    b, d = lake
    return server.athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": d},
                                               ResultConfiguration={"OutputLocation": f"s3://{b}/results/"}, **more)["QueryExecutionId"]


def ended(server, query):
    def look():
        q = server.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        return q["Status"]["State"] not in ("QUEUED", "RUNNING") and q
    return rig.until("the query's end", look, 60)


def rows(server, lake, sql, **more):
    query = start(server, lake, sql, **more)
    q = ended(server, query)
    assert q["Status"]["State"] == "SUCCEEDED", q["Status"]
    found = []
    for page in server.athena.get_paginator("get_query_results").paginate(QueryExecutionId=query):
        found += [[c.get("VarCharValue") for c in r["Data"]] for r in page["ResultSet"]["Rows"]]
    return found


def test_query(server, lake):
    assert rows(server, lake, "SELECT dt, count(*) AS c, sum(n) FROM t GROUP BY dt ORDER BY dt")[1:] == [
        ["01", "5", "10"], ["02", "10", "45"]]


def test_partition_is_a_column(server, lake):
    assert rows(server, lake, "SELECT who FROM t WHERE dt = '02' AND n = 9") == [["who"], ["p9"]]


def test_result_file(server, lake):
    query = start(server, lake, "SELECT 'a \"b\", c' AS x, CAST(NULL AS varchar) AS y, 1.5 AS z")
    q = ended(server, query)
    where = q["ResultConfiguration"]["OutputLocation"]
    assert where == f"s3://{lake[0]}/results/{query}.csv"
    assert server.objects(lake[0], f"results/{query}.csv")[f"results/{query}.csv"] == b'"x","y","z"\n"a ""b"", c",,"1.5"\n'


def test_column_information(server, lake):
    query = start(server, lake, "SELECT who, n FROM t LIMIT 1")
    ended(server, query)
    info = server.athena.get_query_results(QueryExecutionId=query)["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [(c["Name"], c["Type"]) for c in info] == [("who", "varchar"), ("n", "bigint")]


def test_pages(server, lake):
    query = start(server, lake, "SELECT n FROM t WHERE dt = '02' ORDER BY n")
    ended(server, query)
    found = []
    for page in server.athena.get_paginator("get_query_results").paginate(QueryExecutionId=query, PaginationConfig={"PageSize": 4}):
        assert len(page["ResultSet"]["Rows"]) <= 4
        found += [r["Data"][0]["VarCharValue"] for r in page["ResultSet"]["Rows"]]
    assert found == ["n"] + [str(i) for i in range(10)]


def test_parameters(server, lake):
    call = rig.json_call(server, "athena", "StartQueryExecution", {
        "QueryString": "SELECT n FROM t WHERE who = ? AND dt = ?", "ExecutionParameters": ["'p3'", "'01'"],
        "QueryExecutionContext": {"Database": lake[1]}, "ResultConfiguration": {"OutputLocation": f"s3://{lake[0]}/results/"}})
    query = call.json()["QueryExecutionId"]
    assert ended(server, query)["Status"]["State"] == "SUCCEEDED"
    assert server.athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1]["Data"] == [{"VarCharValue": "3"}]


@pytest.mark.parametrize("sql, named", [
    ("SELECT * FROM absent", "absent"), ("SELECT nope FROM t", "nope"), ("SELEC 1", ""), ("DROP TABLE t", ""),
    ("SELECT * FROM read_csv('/etc/passwd')", ""), ("COPY t TO '/tmp/x'", ""), ("ATTACH '/tmp/x'", ""), ("SELECT 1; SELECT 2", "")])
def test_query_that_fails(server, lake, sql, named):
    try:
        query = start(server, lake, sql)
    except rig.CLIENT_ERROR as e:
        assert e.response["Error"]["Code"] == "InvalidRequestException"
        return
    q = ended(server, query)
    assert q["Status"]["State"] == "FAILED" and named in q["Status"]["StateChangeReason"], q["Status"]
    assert rig.error(server.athena.get_query_results, QueryExecutionId=query)[:2] == ("InvalidRequestException", 400)


def test_stop(server, lake):
    query = start(server, lake, "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range * b.range % 7 = 3")
    server.athena.stop_query_execution(QueryExecutionId=query)
    assert ended(server, query)["Status"]["State"] == "CANCELLED"
    assert rows(server, lake, "SELECT 1 AS one") == [["one"], ["1"]]


def test_listing_and_absent(server, lake):
    query = start(server, lake, "SELECT 1")
    ended(server, query)
    assert query in server.athena.list_query_executions()["QueryExecutionIds"]
    assert rig.error(server.athena.get_query_execution,
                     QueryExecutionId="00000000-0000-4000-8000-000000000000")[:2] == ("InvalidRequestException", 400)


def test_same_token_starts_once(server, lake):
    token = rig.name("token-of-32-characters-or-more-xx")
    first = start(server, lake, "SELECT 1", ClientRequestToken=token)
    assert start(server, lake, "SELECT 1", ClientRequestToken=token) == first


def test_show(server, lake):
    assert sorted(x for r in rows(server, lake, "SHOW TABLES") for x in r) == ["t"]
    assert [r[0] for r in rows(server, lake, "SHOW PARTITIONS t")] == ["dt=01", "dt=02"]


def test_without_output_location(server, lake):
    assert rig.error(server.athena.start_query_execution, QueryString="SELECT 1")[:2] == ("InvalidRequestException", 400)
