# SPDX-License-Identifier: Apache-2.0
"""SQS through boto3: queues, messages, receipts, long polling, dead letters; and what a crash keeps."""
import hashlib
import json
import os
import threading
import time

import pytest

import rig

today = pytest.param("sqs", id="json", marks=pytest.mark.skipif(
    not os.path.isdir(os.path.join(rig.MODELS, "sqs")), reason="no model of SQS: run `tools/setup.sh test` or set MULGIL_BOTOCORE"))


OLD = "AWS.SimpleQueueService."  # clients switch on the codes of the time before JSON


@pytest.fixture(params=[today, pytest.param("sqs-query", id="query")])
def sqs(server, request):
    """A client of today, and one of the time before JSON."""
    return server.client(request.param)


def make(sqs, **attributes):
    return sqs.create_queue(QueueName=rig.name("q"), Attributes={k: str(v) for k, v in attributes.items()})["QueueUrl"]


@pytest.fixture
def queue(sqs):
    return make(sqs)


def arn(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(sqs, url, **more):
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **more).get("Messages", [])


def bodies(sqs, url, **more):
    return [m["Body"] for m in receive(sqs, url, **more)]


def counts(sqs, url):
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return tuple(int(found["ApproximateNumberOfMessages" + k]) for k in ("", "NotVisible", "Delayed"))


def test_queues(server, sqs):
    q = rig.name("q")
    url = sqs.create_queue(QueueName=q, Attributes={"VisibilityTimeout": "7"})["QueueUrl"]
    assert url == f"{server.endpoint}/{rig.ACCOUNT}/{q}"
    assert sqs.get_queue_url(QueueName=q)["QueueUrl"] == url
    assert sqs.create_queue(QueueName=q)["QueueUrl"] == url
    assert rig.error(sqs.create_queue, QueueName=q, Attributes={"VisibilityTimeout": "8"})[0] == "QueueAlreadyExists"
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["QueueArn"] == f"arn:aws:sqs:{rig.REGION}:{rig.ACCOUNT}:{q}"
    assert (found["VisibilityTimeout"], found["DelaySeconds"], found["MessageRetentionPeriod"],
            found["MaximumMessageSize"], found["ReceiveMessageWaitTimeSeconds"]) == ("7", "0", "345600", "1048576", "0")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "3"})
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds", "VisibilityTimeout"])["Attributes"]
    assert found == {"DelaySeconds": "3", "VisibilityTimeout": "7"}
    sqs.delete_queue(QueueUrl=url)
    assert rig.error(sqs.get_queue_url, QueueName=q)[:2] == (OLD + "NonExistentQueue", 400)
    assert rig.error(sqs.send_message, QueueUrl=url, MessageBody="x")[0] == OLD + "NonExistentQueue"


def test_listing(sqs):
    prefix = rig.name("list")
    urls = [sqs.create_queue(QueueName=f"{prefix}-{i}")["QueueUrl"] for i in range(5)]
    assert sqs.list_queues(QueueNamePrefix=prefix)["QueueUrls"] == urls
    pages = list(sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2}))
    assert [len(p["QueueUrls"]) for p in pages] == [2, 2, 1]
    assert sum((p["QueueUrls"] for p in pages), []) == urls
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=prefix + "-none")


def test_messages(sqs, queue):
    sent = sqs.send_message(QueueUrl=queue, MessageBody="héllo")
    assert sent["MD5OfMessageBody"] == hashlib.md5("héllo".encode()).hexdigest()
    got, = receive(sqs, queue, AttributeNames=["All"])
    assert (got["MessageId"], got["Body"], got["MD5OfBody"]) == (sent["MessageId"], "héllo", sent["MD5OfMessageBody"])
    assert got["Attributes"]["ApproximateReceiveCount"] == "1" and got["Attributes"]["SenderId"] == rig.ACCOUNT
    assert abs(int(got["Attributes"]["SentTimestamp"]) - time.time() * 1000) < 600_000
    assert counts(sqs, queue) == (0, 1, 0) and receive(sqs, queue) == []
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
    assert counts(sqs, queue) == (1, 0, 0)
    again, = receive(sqs, queue, AttributeNames=["ApproximateReceiveCount", "SentTimestamp"])
    assert again["Attributes"] == {"ApproximateReceiveCount": "2", "SentTimestamp": got["Attributes"]["SentTimestamp"]}
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=got["ReceiptHandle"])  # an old receipt: answered, without effect
    assert counts(sqs, queue) == (0, 1, 0)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"])
    assert counts(sqs, queue) == (0, 0, 0)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"])


def test_visibility_timeout_and_delay(sqs):
    url = make(sqs, VisibilityTimeout=1)
    sqs.send_message(QueueUrl=url, MessageBody="a")
    assert bodies(sqs, url) == ["a"]
    assert bodies(sqs, url) == []
    assert bodies(sqs, url, WaitTimeSeconds=20) == ["a"]  # as soon as its timeout is over
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=1)
    assert counts(sqs, url)[2] == 1
    assert "late" in bodies(sqs, url, WaitTimeSeconds=20, VisibilityTimeout=60) + bodies(sqs, url, WaitTimeSeconds=20)


def test_long_polling_is_woken_and_does_not_hold_others_up(server, sqs, queue):
    waiting = [threading.Thread(target=lambda: got.append(bodies(sqs, queue, WaitTimeSeconds=20)))
               for _ in range(12)]
    got = []
    for t in waiting:
        t.start()
    for i in range(12):  # ordinary requests go through meanwhile, more than there are waiting clients
        sqs.send_message(QueueUrl=queue, MessageBody=str(i))
        server.s3.list_buckets()
    for t in waiting:
        t.join(15 * rig.SLOW)
        assert not t.is_alive()
    found = [b for g in got for b in g] + bodies(sqs, queue)
    assert sorted(found, key=int) == [str(i) for i in range(12)]


def test_batches(sqs, queue):
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=[
        {"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2", "DelaySeconds": 901}, {"Id": "c", "MessageBody": "3"}])
    assert [e["Id"] for e in answer["Successful"]] == ["a", "c"]
    assert [(e["Id"], e["Code"], e["SenderFault"]) for e in answer["Failed"]] == [("b", "InvalidParameterValue", True)]
    got = receive(sqs, queue)
    assert [m["Body"] for m in got] == ["1", "3"]
    answer = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=[
        {"Id": "x", "ReceiptHandle": got[0]["ReceiptHandle"], "VisibilityTimeout": 0},
        {"Id": "y", "ReceiptHandle": "nonsense", "VisibilityTimeout": 0}])
    assert [e["Id"] for e in answer["Successful"]] == ["x"]
    assert [(e["Id"], e["Code"]) for e in answer["Failed"]] == [("y", "ReceiptHandleIsInvalid")]
    again, = receive(sqs, queue)
    answer = sqs.delete_message_batch(QueueUrl=queue, Entries=[
        {"Id": "0", "ReceiptHandle": again["ReceiptHandle"]}, {"Id": "1", "ReceiptHandle": got[1]["ReceiptHandle"]}])
    assert [e["Id"] for e in answer["Successful"]] == ["0", "1"] and "Failed" not in answer
    assert counts(sqs, queue) == (0, 0, 0)

    def entries(*ids, body="x"):
        return [{"Id": i, "MessageBody": body} for i in ids]

    for wrong, code in ((entries(), "EmptyBatchRequest"), (entries("a", "a"), "BatchEntryIdsNotDistinct"),
                        (entries(*map(str, range(11))), "TooManyEntriesInBatchRequest"), (entries("a b"), "InvalidBatchEntryId"),
                        (entries("a", "b", body="x" * 600_000), "BatchRequestTooLong")):
        assert rig.error(sqs.send_message_batch, QueueUrl=queue, Entries=wrong)[:2] == (OLD + code, 400)


def test_message_attributes(sqs, queue):
    given = {"name": {"DataType": "String", "StringValue": "wärme"}, "n": {"DataType": "Number.int", "StringValue": "12"},
             "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01\xff"}}
    sent = sqs.send_message(QueueUrl=queue, MessageBody="b", MessageAttributes=given)

    def counted(b):
        return len(b).to_bytes(4, "big") + b

    text = b""
    for k in sorted(given):
        v = given[k]
        binary = "BinaryValue" in v
        text += counted(k.encode()) + counted(v["DataType"].encode()) + (b"\2" if binary else b"\1")
        text += counted(v["BinaryValue"] if binary else v["StringValue"].encode())
    assert sent["MD5OfMessageAttributes"] == hashlib.md5(text).hexdigest()
    got, = receive(sqs, queue, MessageAttributeNames=["All"], VisibilityTimeout=0)
    assert got["MessageAttributes"] == given and got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    got, = receive(sqs, queue, MessageAttributeNames=["na.*", "ra*", "n"], VisibilityTimeout=0)
    assert set(got["MessageAttributes"]) == {"name", "n"}
    got, = receive(sqs, queue)
    assert "MessageAttributes" not in got and "MD5OfMessageAttributes" not in got
    for wrong in ({"a b": {"DataType": "String", "StringValue": "x"}}, {"AWS.x": {"DataType": "String", "StringValue": "x"}},
                  {"a": {"DataType": "Date", "StringValue": "x"}}, {"a": {"DataType": "String", "StringValue": ""}},
                  {"a": {"DataType": "String", "BinaryValue": b"x"}},
                  {f"a{i}": {"DataType": "String", "StringValue": "x"} for i in range(11)}):
        assert rig.error(sqs.send_message, QueueUrl=queue, MessageBody="b", MessageAttributes=wrong)[:2] == (
            "InvalidParameterValue", 400), wrong


def test_dead_letters(sqs):
    dlq = make(sqs)
    url = make(sqs, VisibilityTimeout=0, RedrivePolicy=json.dumps({"deadLetterTargetArn": arn(sqs, dlq), "maxReceiveCount": 2}))
    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    assert json.loads(policy) == {"deadLetterTargetArn": arn(sqs, dlq), "maxReceiveCount": 2}
    sent = sqs.send_message(QueueUrl=url, MessageBody="poison")
    assert bodies(sqs, url) == ["poison"] and bodies(sqs, url) == ["poison"] and bodies(sqs, url) == []
    got, = receive(sqs, dlq, AttributeNames=["All"])
    assert (got["MessageId"], got["Body"]) == (sent["MessageId"], "poison")
    assert got["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, url)
    absent = json.dumps({"deadLetterTargetArn": arn(sqs, url) + "-absent", "maxReceiveCount": 2})
    for wrong in ("{", "{}", absent, json.dumps({"deadLetterTargetArn": arn(sqs, dlq), "maxReceiveCount": 0})):
        assert rig.error(sqs.set_queue_attributes, QueueUrl=url, Attributes={"RedrivePolicy": wrong})[0] == (
            "InvalidParameterValue")
    sqs.delete_queue(QueueUrl=dlq)  # nothing is dropped where there is nowhere to go
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    for _ in range(4):
        assert bodies(sqs, url) == ["kept"]


def test_purge(sqs, queue):
    for i in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody=str(i))
    sqs.purge_queue(QueueUrl=queue)
    assert counts(sqs, queue) == (0, 0, 0)
    assert rig.error(sqs.purge_queue, QueueUrl=queue)[:2] == (OLD + "PurgeQueueInProgress", 400)


def test_refusals(server, sqs, queue):
    for attributes, code in (({"FifoQueue": "true"}, "UnsupportedOperation"), ({"Policy": "{}"}, "UnsupportedOperation"),
                             ({"KmsMasterKeyId": "k"}, "UnsupportedOperation"), ({"Nonsense": "1"}, "InvalidAttributeName"),
                             ({"VisibilityTimeout": "43201"}, "InvalidAttributeValue"), ({"DelaySeconds": "x"}, "InvalidAttributeValue"),
                             ({"SqsManagedSseEnabled": "true"}, "UnsupportedOperation")):
        answer = rig.json_call(server, "sqs", "CreateQueue", {"QueueName": rig.name("q"), "Attributes": attributes})
        assert (answer.status, answer.code()) == (400, code), attributes
        assert next(iter(attributes)) in answer.json()["message"]
    assert rig.error(sqs.create_queue, QueueName="a.fifo")[0] == OLD + "UnsupportedOperation"
    assert rig.error(sqs.create_queue, QueueName="a b")[0] == "InvalidParameterValue"
    assert rig.error(sqs.send_message, QueueUrl=queue, MessageBody="x", MessageGroupId="g")[0] == OLD + "UnsupportedOperation"
    assert rig.error(sqs.send_message, QueueUrl=queue, MessageBody="\x01")[0] == "InvalidMessageContents"
    assert rig.error(sqs.send_message, QueueUrl=queue, MessageBody="x" * 1048577)[0] == "InvalidParameterValue"
    sqs.send_message(QueueUrl=queue, MessageBody="x" * 1048576)
    for more in ({"MaxNumberOfMessages": 11}, {"MaxNumberOfMessages": 0}, {"WaitTimeSeconds": 21}, {"VisibilityTimeout": 43201}):
        assert rig.error(sqs.receive_message, QueueUrl=queue, **more)[0] == "InvalidParameterValue"
    assert rig.error(sqs.delete_message, QueueUrl=queue, ReceiptHandle="x")[0] == "ReceiptHandleIsInvalid"
    answer = rig.json_call(server, "sqs", "GetQueueUrl", {"QueueName": "absent"})
    assert answer.headers["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert (answer.status, answer.code()) == (400, "QueueDoesNotExist")
    assert answer.headers["Content-Type"] == "application/x-amz-json-1.0"


def test_a_rule_sends_events_to_a_queue(server, sqs, queue):
    r, source = rig.name("r"), rig.name("src")
    server.events.put_rule(Name=r, EventPattern=json.dumps({"source": [source]}))
    server.events.put_targets(Rule=r, Targets=[{"Id": "1", "Arn": arn(sqs, queue), "InputPath": "$.detail"}])
    server.events.put_events(Entries=[{"Source": source, "DetailType": "Test", "Detail": '{"n": 1}'}])
    assert bodies(sqs, queue, WaitTimeSeconds=20) == ['{"n":1}']


def test_messages_and_receipts_survive_kill(make_server):
    s = make_server().start()
    url = make(s.client("sqs-query"))
    for i in range(3):
        s.client("sqs-query").send_message(QueueUrl=url, MessageBody=str(i))
    first = s.client("sqs-query").receive_message(QueueUrl=url)["Messages"][0]
    s.restart()
    sqs = s.client("sqs-query")
    assert bodies(sqs, url) == ["1", "2"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert counts(sqs, url) == (0, 2, 0)


def test_a_stop_ends_long_polls(make_server):
    s = make_server().start()
    url = make(s.client("sqs-query"))
    t = threading.Thread(target=lambda: receive(s.client("sqs-query"), url, WaitTimeSeconds=20))
    t.start()
    for _ in range(100):  # so that it is most likely waiting
        counts(s.client("sqs-query"), url)
    s.stop()
    t.join(15 * rig.SLOW)
    assert not t.is_alive()
