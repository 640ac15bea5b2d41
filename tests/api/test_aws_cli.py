# SPDX-License-Identifier: Apache-2.0
"""The AWS command line as Debian has it, unmodified."""
import filecmp
import json
import os
import subprocess

import pytest

import rig

AWS = "/usr/bin/aws"
SIZE = 200 << 20

pytestmark = pytest.mark.skipif(not os.path.exists(AWS), reason="/usr/bin/aws is missing: install Debian's awscli")


def aws(server, *words, ok=True):
    p = subprocess.run([AWS, "--endpoint-url", server.endpoint, "--output", "json", *words], capture_output=True, encoding="utf-8",
                       timeout=300 * rig.SLOW, check=False, env=rig.environment(
                           AWS_ACCESS_KEY_ID=rig.ACCESS_KEY, AWS_SECRET_ACCESS_KEY=rig.SECRET, AWS_REGION=rig.REGION,
                           AWS_DEFAULT_REGION=rig.REGION, AWS_PAGER="", AWS_MAX_ATTEMPTS="1"))
    assert (p.returncode == 0) == ok, p
    return json.loads(p.stdout) if p.stdout.strip().startswith(("{", "[")) else p.stdout + p.stderr


def test_large_file_both_ways(server, tmp_path):
    b = rig.name("b")
    there, back = tmp_path / "there", tmp_path / "back"
    size = SIZE if not rig.SANITIZED else 24 << 20
    with open(there, "wb") as f:
        block = os.urandom(1 << 20)
        for i in range(size >> 20):
            f.write(i.to_bytes(8, "little") + block[8:])
    aws(server, "s3", "mb", f"s3://{b}")
    aws(server, "s3", "cp", "--no-progress", str(there), f"s3://{b}/video.mp4")
    assert f"{size} video.mp4" in aws(server, "s3", "ls", f"s3://{b}/")
    aws(server, "s3", "cp", "--no-progress", f"s3://{b}/video.mp4", str(back))
    assert filecmp.cmp(there, back, shallow=False)
    aws(server, "s3", "rm", f"s3://{b}/video.mp4")
    aws(server, "s3", "rb", f"s3://{b}")


def test_put_record_batch(server):
    b = server.bucket()
    s = server.stream(b)
    r = aws(server, "firehose", "put-record-batch", "--delivery-stream-name", s, "--records", json.dumps([{"Data": "YQo="}, {"Data": "Ygo="}]))
    assert r["FailedPutCount"] == 0 and len(r["RequestResponses"]) == 2
    assert rig.until("both records", lambda: b"".join(server.objects(b).values())) == b"a\nb\n"


def test_a_bucket_tells_a_queue(server):
    b, q = server.bucket(), rig.name("q")
    url = aws(server, "sqs", "create-queue", "--queue-name", q, "--attributes", "VisibilityTimeout=60")["QueueUrl"]
    arn = aws(server, "sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "All")["Attributes"]["QueueArn"]
    aws(server, "s3api", "put-bucket-notification-configuration", "--bucket", b, "--notification-configuration", json.dumps(
        {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}))
    aws(server, "s3api", "put-object", "--bucket", b, "--key", "k")
    found = []
    while not any("Records" in m for m in found):  # each waits for 20 s at most
        got, = aws(server, "sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "20")["Messages"]
        aws(server, "sqs", "delete-message", "--queue-url", url, "--receipt-handle", got["ReceiptHandle"])
        found.append(json.loads(got["Body"]))
    assert found[-1]["Records"][0]["s3"]["object"]["key"] == "k"
    aws(server, "sqs", "delete-queue", "--queue-url", url)
    assert "AWS.SimpleQueueService.NonExistentQueue" in aws(server, "sqs", "get-queue-url", "--queue-name", q, ok=False)


def test_execution_history(server):
    m = aws(server, "stepfunctions", "create-state-machine", "--name", rig.name("m"), "--role-arn", rig.ROLE, "--definition",
            '{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}')["stateMachineArn"]
    e = aws(server, "stepfunctions", "start-execution", "--state-machine-arn", m, "--input", '{"a": 1}')["executionArn"]
    rig.until("the end", lambda: server.states.describe_execution(executionArn=e)["status"] == "SUCCEEDED")
    kinds = [x["type"] for x in aws(server, "stepfunctions", "get-execution-history", "--execution-arn", e)["events"]]
    assert kinds == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]


def test_table_and_query(server):
    b, d = server.bucket(), rig.name("d").replace("-", "_")
    aws(server, "glue", "create-database", "--database-input", json.dumps({"Name": d}))
    aws(server, "glue", "create-table", "--database-name", d, "--table-input", json.dumps({
        "Name": "t", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {
            "Columns": [{"Name": "n", "Type": "int"}], "Location": f"s3://{b}/t/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}}}))
    t = aws(server, "glue", "get-table", "--database-name", d, "--name", "t")["Table"]
    assert t["StorageDescriptor"]["Columns"] == [{"Name": "n", "Type": "int"}]
    server.s3.put_object(Bucket=b, Key="t/x.json", Body=b'{"n": 20}\n{"n": 22}\n')
    q = aws(server, "athena", "start-query-execution", "--query-string", "SELECT sum(n) AS s FROM t", "--query-execution-context",
            f"Database={d}", "--result-configuration", f"OutputLocation=s3://{b}/r/")["QueryExecutionId"]
    rig.until("the end", lambda: aws(server, "athena", "get-query-execution", "--query-execution-id", q)[
        "QueryExecution"]["Status"]["State"] not in ("QUEUED", "RUNNING"))
    r = aws(server, "athena", "get-query-results", "--query-execution-id", q)["ResultSet"]["Rows"]
    assert [[c["VarCharValue"] for c in x["Data"]] for x in r] == [["s"], ["42"]]


def test_error_is_told(server):
    assert "EntityNotFoundException" in aws(server, "glue", "get-table", "--database-name", "absent", "--name", "t", ok=False)
