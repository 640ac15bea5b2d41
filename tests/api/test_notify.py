# SPDX-License-Identifier: Apache-2.0
"""What happens in a bucket reaches its queues and functions: as configured, in order, once it has happened, whatever crashes."""
import json
import os

import rig


def queue(s, **attributes):
    """(URL, ARN) of a new queue."""
    sqs = s.client("sqs-query")
    url = sqs.create_queue(QueueName=rig.name("q"), Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def drain(s, url):
    """All messages, each deleted."""
    found, sqs = [], s.client("sqs-query")
    for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found.append(json.loads(m["Body"]))
        sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
    return found


def collect(s, url, n):
    """@n records, as they come."""
    found = []

    def more():
        for m in drain(s, url):
            found.extend(m.get("Records", []))
        return len(found) >= n

    rig.until(f"{n} records", more)
    assert len(found) == n and drain(s, url) == []
    return found


def tell(s, bucket, queues=(), functions=(), bus=False, skip=False):
    def one(kind, arn, events, **rules):
        c = {kind: arn, "Events": events}
        if rules:
            c["Filter"] = {"Key": {"FilterRules": [{"Name": n, "Value": v} for n, v in rules.items()]}}
        return c

    config = {"QueueConfigurations": [one("QueueArn", *q[:2], **(q[2] if len(q) > 2 else {})) for q in queues],
              "LambdaFunctionConfigurations": [one("LambdaFunctionArn", *f) for f in functions]}
    if bus:
        config["EventBridgeConfiguration"] = {}
    s.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=config, SkipDestinationValidation=skip)


def test_configuration_comes_back(server):
    b, (_, arn) = server.bucket(), queue(server)
    given = {"QueueConfigurations": [{"Id": "pictures", "QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"],
                                      "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "in/"},
                                                                         {"Name": "Suffix", "Value": ".png"}]}}}],
             "EventBridgeConfiguration": {}}
    server.s3.put_bucket_notification_configuration(Bucket=b, NotificationConfiguration=given)
    got = server.s3.get_bucket_notification_configuration(Bucket=b)
    got.pop("ResponseMetadata")
    assert got == given
    server.s3.put_bucket_notification_configuration(Bucket=b, NotificationConfiguration={})
    got = server.s3.get_bucket_notification_configuration(Bucket=b)
    assert set(got) == {"ResponseMetadata"}


def test_destinations_have_to_be_there(server):
    b = server.bucket()
    absent = f"arn:aws:sqs:{rig.REGION}:{rig.ACCOUNT}:absent"
    elsewhere = f"arn:aws:sqs:eu-west-1:{rig.ACCOUNT}:absent"
    function = f"arn:aws:lambda:{rig.REGION}:{rig.ACCOUNT}:function:absent"
    for more in ({"queues": [(absent, ["s3:ObjectCreated:*"])]}, {"queues": [(elsewhere, ["s3:ObjectCreated:*"])]},
                 {"functions": [(function, ["s3:ObjectCreated:*"])]}):
        code, status, text = rig.error(tell, server, b, **more)
        assert (code, status) == ("InvalidArgument", 400)
        assert text == "Unable to validate the following destination configurations"
    tell(server, b, queues=[(absent, ["s3:ObjectCreated:*"])], skip=True)
    assert rig.error(server.s3.put_bucket_notification_configuration, Bucket=b, NotificationConfiguration={
        "TopicConfigurations": [{"TopicArn": "arn:aws:sns:x:1:t", "Events": ["s3:ObjectCreated:*"]}]})[0] == "NotImplemented"
    _, arn = queue(server)
    assert rig.error(tell, server, b, queues=[(arn, ["s3:ObjectCreated:*"]), (arn, ["s3:ObjectCreated:Put"])])[:2] == (
        "InvalidArgument", 400)


def test_a_queue_is_told_what_happened(server):
    b, (url, arn) = server.bucket(), queue(server)
    tell(server, b, queues=[(arn, ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"],
                             {"prefix": "in/", "suffix": ".bin"})])
    test, = rig.until("the test event", lambda: drain(server, url))
    assert (test["Service"], test["Event"], test["Bucket"]) == ("Amazon S3", "s3:TestEvent", b)
    s3, key = server.s3, "in/a b.bin"
    put = s3.put_object(Bucket=b, Key=key, Body=b"one")
    s3.put_object(Bucket=b, Key="out/x.bin", Body=b"not told")
    s3.put_object(Bucket=b, Key="in/x.txt", Body=b"not told")
    s3.copy_object(Bucket=b, Key=key, CopySource={"Bucket": b, "Key": "in/x.txt"})
    s3.put_object_tagging(Bucket=b, Key=key, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    s3.delete_object_tagging(Bucket=b, Key=key)
    up = s3.create_multipart_upload(Bucket=b, Key=key)["UploadId"]
    part = s3.upload_part(Bucket=b, Key=key, UploadId=up, PartNumber=1, Body=b"part")
    s3.complete_multipart_upload(Bucket=b, Key=key, UploadId=up, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    s3.delete_object(Bucket=b, Key=key)
    found = collect(server, url, 6)
    assert [r["eventName"] for r in found] == [
        "ObjectCreated:Put", "ObjectCreated:Copy", "ObjectTagging:Put", "ObjectTagging:Delete",
        "ObjectCreated:CompleteMultipartUpload", "ObjectRemoved:Delete"]
    first = found[0]
    assert (first["eventVersion"], first["eventSource"], first["awsRegion"]) == ("2.1", "aws:s3", rig.REGION)
    assert first["responseElements"]["x-amz-request-id"] == put["ResponseMetadata"]["RequestId"]
    assert first["requestParameters"] == {"sourceIPAddress": "127.0.0.1"}
    assert first["s3"]["s3SchemaVersion"] == "1.0" and first["s3"]["bucket"]["name"] == b
    assert first["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{b}"
    told = first["s3"]["object"]
    assert (told["key"], told["size"], told["eTag"]) == ("in/a+b.bin", 3, put["ETag"].strip('"'))
    order = [r["s3"]["object"]["sequencer"] for r in found if "sequencer" in r["s3"]["object"]]
    assert len(order) == 4 and order == sorted(set(order))


def test_versions_are_named(server):
    b, (url, arn) = server.bucket(), queue(server)
    server.s3.put_bucket_versioning(Bucket=b, VersioningConfiguration={"Status": "Enabled"})
    tell(server, b, queues=[(arn, ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])])
    put = server.s3.put_object(Bucket=b, Key="k", Body=b"x")["VersionId"]
    marker = server.s3.delete_object(Bucket=b, Key="k")["VersionId"]
    server.s3.delete_object(Bucket=b, Key="k", VersionId=put)
    found = collect(server, url, 3)
    assert [(r["eventName"], r["s3"]["object"]["versionId"]) for r in found] == [
        ("ObjectCreated:Put", put), ("ObjectRemoved:DeleteMarkerCreated", marker), ("ObjectRemoved:Delete", put)]


def test_a_function_is_invoked(server):
    b = server.bucket()
    trace = os.path.join(server.shared, rig.name("trace"))
    f = server.function(f"def handle(event):\n    open({trace!r}, 'a').write(json.dumps(event) + '\\n')\n    return None")
    arn = server.client("lambda").get_function(FunctionName=f)["Configuration"]["FunctionArn"]
    tell(server, b, functions=[(arn, ["s3:ObjectCreated:Put"])], bus=True)
    server.s3.put_object(Bucket=b, Key="k", Body=b"abc")
    server.s3.delete_object(Bucket=b, Key="k")
    rig.until("the invocation", lambda: os.path.exists(trace) and open(trace, encoding="utf-8").read().endswith("\n"))
    with open(trace, encoding="utf-8") as lines:
        event, = [json.loads(line) for line in lines]
    record, = event["Records"]
    assert (record["eventName"], record["s3"]["object"]["key"], record["s3"]["object"]["size"]) == ("ObjectCreated:Put", "k", 3)


def test_rules_and_queues_are_told_the_same_order(server):
    b, (url, arn), (bus_url, bus_arn) = server.bucket(), queue(server), queue(server)
    rule = rig.name("r")
    server.events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [b]}}}))
    server.events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": bus_arn}])
    tell(server, b, queues=[(arn, ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])], bus=True)
    server.s3.put_object(Bucket=b, Key="k", Body=b"x")
    server.s3.delete_object(Bucket=b, Key="k")
    records, events = collect(server, url, 2), []
    rig.until("both events", lambda: events.extend(drain(server, bus_url)) or len(events) >= 2)
    events.sort(key=lambda e: e["detail"]["object"]["sequencer"])
    assert [e["detail"]["object"]["sequencer"] for e in events] == [r["s3"]["object"]["sequencer"] for r in records]
    assert [(e["detail-type"], e["detail"]["reason"], e["detail"].get("deletion-type")) for e in events] == [
        ("Object Created", "PutObject", None), ("Object Deleted", "DeleteObject", "Permanently Deleted")]


def test_a_crash_behind_the_answer_loses_nothing(make_server):
    s = make_server().start()
    b, (url, arn) = s.bucket(), queue(s)
    late = rig.name("late")
    late_arn = arn.rpartition(":")[0] + ":" + late
    tell(s, b, queues=[(arn, ["s3:ObjectCreated:*"], {"prefix": "a/"}),
                       (late_arn, ["s3:ObjectCreated:*"], {"prefix": "b/"})], skip=True)
    for i in range(20):
        s.s3.put_object(Bucket=b, Key=f"b/{i}", Body=b"x")  # to a queue that is not there yet
        s.s3.put_object(Bucket=b, Key=f"a/{i}", Body=b"x")
    s.restart()
    found = set()
    rig.until("all of the queue's events", lambda: found.update(
        r["s3"]["object"]["key"] for m in drain(s, url) for r in m["Records"]) or len(found) == 20)
    late_url = s.client("sqs-query").create_queue(QueueName=late)["QueueUrl"]
    rig.until("all of the late queue's events", lambda: found.update(
        r["s3"]["object"]["key"] for m in drain(s, late_url) for r in m["Records"]) or len(found) == 40)
