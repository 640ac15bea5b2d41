# SPDX-License-Identifier: Apache-2.0
"""The gate: what is not signed as it has to be does nothing, and each refusal is the one AWS gives."""
import datetime
import hashlib
import re
import time

import pytest

import rig

KEY = "kept.txt"
BODY = b"what must not change"


@pytest.fixture(scope="module")
def bucket(shared):
    b = shared.bucket()
    shared.s3.put_object(Bucket=b, Key=KEY, Body=BODY)
    return b


@pytest.fixture(autouse=True)
def nothing_changed(server, bucket):
    """Whatever a test of this file sent: the bucket is as before."""
    yield
    assert server.objects(bucket) == {KEY: BODY}


def utc(seconds=0):
    return datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)


def refused(answer, code, status):
    assert (answer.code(), answer.status) == (code, status), answer.body[:1000]
    return answer.body.decode()


# --- S3 ---

def test_wrong_secret(server, bucket):
    text = refused(rig.signed(server, "s3", "PUT", f"/{bucket}/x", b"x", secret="not-the-secret"), "SignatureDoesNotMatch", 403)
    assert "not-the-secret" not in text and rig.SECRET not in text


def test_unknown_key(server, bucket):
    refused(rig.signed(server, "s3", "PUT", f"/{bucket}/x", b"x", access_key="AKIANOBODYNOBODYNOBO"), "InvalidAccessKeyId", 403)


def test_unsigned(server, bucket):
    refused(rig.http(server.endpoint, "GET", f"/{bucket}/{KEY}"), "AccessDenied", 403)
    refused(rig.http(server.endpoint, "DELETE", f"/{bucket}/{KEY}"), "AccessDenied", 403)
    refused(rig.http(server.endpoint, "PUT", f"/{bucket}/x", body=b"x"), "AccessDenied", 403)


def test_changed_body(server, bucket):
    headers = rig.sign(server, "s3", "PUT", f"/{bucket}/x", b"good",
                       {"x-amz-content-sha256": hashlib.sha256(b"good").hexdigest()})
    headers["x-amz-content-sha256"] = hashlib.sha256(b"good").hexdigest()
    refused(rig.http(server.endpoint, "PUT", f"/{bucket}/x", headers, b"evil"), "XAmzContentSHA256Mismatch", 400)


def test_changed_header(server, bucket):
    headers = rig.sign(server, "s3", "PUT", f"/{bucket}/x", b"x", {"x-amz-meta-a": "1"})
    headers["x-amz-meta-a"] = "2"
    refused(rig.http(server.endpoint, "PUT", f"/{bucket}/x", headers, b"x"), "SignatureDoesNotMatch", 403)


def test_added_header(server, bucket):
    headers = rig.sign(server, "s3", "PUT", f"/{bucket}/x", b"x")
    headers["x-amz-meta-a"] = "2"
    refused(rig.http(server.endpoint, "PUT", f"/{bucket}/x", headers, b"x"), "AccessDenied", 403)


@pytest.mark.parametrize("target", ["/{}/y", "/{}/x?tagging", "/{}/x?a=b"])
def test_changed_target(server, bucket, target):
    headers = rig.sign(server, "s3", "PUT", f"/{bucket}/x", b"x")
    refused(rig.http(server.endpoint, "PUT", target.format(bucket), headers, b"x"), "SignatureDoesNotMatch", 403)


def test_changed_method(server, bucket):
    headers = rig.sign(server, "s3", "GET", f"/{bucket}/{KEY}")
    refused(rig.http(server.endpoint, "DELETE", f"/{bucket}/{KEY}", headers), "SignatureDoesNotMatch", 403)


@pytest.mark.parametrize("seconds", [-16 * 60, 16 * 60])
def test_clock_skew(server, bucket, seconds):
    refused(rig.signed(server, "s3", "PUT", f"/{bucket}/x", b"x", when=utc(seconds)), "RequestTimeTooSkewed", 403)


def test_clock_within(server, bucket):
    assert rig.signed(server, "s3", "GET", f"/{bucket}/{KEY}", when=utc(-14 * 60)).body == BODY


def test_other_region(server, bucket):
    refused(rig.signed(server, "s3", "GET", f"/{bucket}/{KEY}", region="eu-west-1"), "AuthorizationHeaderMalformed", 400)


def test_expired_url(server, bucket):
    url = server.s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": KEY}, ExpiresIn=1)
    target = url[len(server.endpoint):]
    assert rig.http(server.endpoint, "GET", target).body == BODY
    last = rig.until("the URL expires", lambda: (lambda a: a.status != 200 and a)(rig.http(server.endpoint, "GET", target)))
    assert "Request has expired" in refused(last, "AccessDenied", 403)


@pytest.mark.parametrize("pattern, by, code, status", [
    (r"X-Amz-Expires=\d+", "X-Amz-Expires=604801", "AuthorizationQueryParametersError", 400),
    (r"X-Amz-Expires=\d+", "X-Amz-Expires=3599", "SignatureDoesNotMatch", 403),
    (r"X-Amz-Signature=..", "X-Amz-Signature=zz", "SignatureDoesNotMatch", 403),
    (r"kept\.txt", "kept.txu", "SignatureDoesNotMatch", 403),
    (r"$", "&response-content-type=text/html", "SignatureDoesNotMatch", 403),
])
def test_changed_url(server, bucket, pattern, by, code, status):
    url = server.s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": KEY})
    refused(rig.http(server.endpoint, "GET", re.sub(pattern, by, url[len(server.endpoint):], count=1)), code, status)


def test_url_for_get_does_not_put(server, bucket):
    url = server.s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": KEY})
    refused(rig.http(server.endpoint, "PUT", url[len(server.endpoint):], body=b"x"), "SignatureDoesNotMatch", 403)


def test_sigv2_url_is_refused_with_a_hint(server, bucket):
    target = f"/{bucket}/{KEY}?AWSAccessKeyId={rig.ACCESS_KEY}&Expires={int(time.time()) + 60}&Signature=abc%3D"
    text = refused(rig.http(server.endpoint, "GET", target), "InvalidRequest", 400)
    assert "AWS4-HMAC-SHA256" in text


def test_sigv2_header_is_refused(server, bucket):
    headers = {"Authorization": f"AWS {rig.ACCESS_KEY}:c2lnbmF0dXJl", "Date": "Mon, 01 Jan 2024 00:00:00 GMT"}
    text = refused(rig.http(server.endpoint, "GET", f"/{bucket}/{KEY}", headers), "InvalidRequest", 400)
    assert "AWS4-HMAC-SHA256" in text


def test_header_and_query_both(server, bucket):
    url = server.s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": KEY})
    target = url[len(server.endpoint):]
    refused(rig.http(server.endpoint, "GET", target, rig.sign(server, "s3", "GET", target)), "InvalidArgument", 400)


@pytest.mark.parametrize("key", ["../../etc/passwd", "a/../../b", "..", "./x", "a//b", "%2e%2e/x", "/x", "\u00e4 +&?#"])
def test_odd_key_is_a_name_and_no_path(server, bucket, key):
    other = server.bucket()
    put = server.s3.put_object(Bucket=other, Key=key, Body=key.encode())
    assert put["ETag"] == '"' + hashlib.md5(key.encode()).hexdigest() + '"'
    assert server.objects(other) == {key: key.encode()}
    server.s3.delete_object(Bucket=other, Key=key)
    assert server.objects(other) == {}


def test_raw_dots_stay_where_they_are(server, bucket):
    """The path as it is on the wire, `..` and all, is a key of the bucket that it begins with."""
    other = server.bucket()
    target = f"/{other}/../{bucket}/{KEY}"
    refused(rig.signed(server, "s3", "GET", target), "NoSuchKey", 404)
    assert rig.signed(server, "s3", "PUT", target, b"dots").status == 200
    assert server.objects(other) == {f"../{bucket}/{KEY}": b"dots"}


# --- the other services ---

def streams(server):
    return server.firehose.list_delivery_streams()["DeliveryStreamNames"]


CREATE = {"DeliveryStreamName": "never", "ExtendedS3DestinationConfiguration": {
    "RoleARN": rig.ROLE, "BucketARN": "arn:aws:s3:::never"}}


def json_refused(server, answer, code, status):
    text = refused(answer, code, status)
    assert "never" not in streams(server)
    return text


def test_json_wrong_secret(server):
    json_refused(server, rig.json_call(server, "firehose", "CreateDeliveryStream", CREATE, secret="wrong-wrong-wrong"),
                 "InvalidSignatureException", 403)


def test_json_unknown_key(server):
    json_refused(server, rig.json_call(server, "firehose", "CreateDeliveryStream", CREATE, access_key="AKIANOBODYNOBODYNOBO"),
                 "UnrecognizedClientException", 403)


def test_json_unsigned(server):
    json_refused(server, rig.http(server.endpoint, "POST", "/", {
        "X-Amz-Target": "Firehose_20150804.CreateDeliveryStream", "Content-Type": "application/x-amz-json-1.1"},
        b"{}"), "MissingAuthenticationTokenException", 403)


def test_json_changed_body(server):
    headers = rig.sign(server, "firehose", "POST", "/", b"{}", {
        "X-Amz-Target": "Firehose_20150804.ListDeliveryStreams", "Content-Type": "application/x-amz-json-1.1"})
    json_refused(server, rig.http(server.endpoint, "POST", "/", headers, b'{"Limit": 1}'), "InvalidSignatureException", 403)


def test_json_changed_target(server):
    headers = rig.sign(server, "firehose", "POST", "/", b"{}", {
        "X-Amz-Target": "Firehose_20150804.ListDeliveryStreams", "Content-Type": "application/x-amz-json-1.1"})
    headers["X-Amz-Target"] = "Firehose_20150804.CreateDeliveryStream"
    json_refused(server, rig.http(server.endpoint, "POST", "/", headers, b"{}"), "InvalidSignatureException", 403)


@pytest.mark.parametrize("seconds", [-16 * 60, 16 * 60])
def test_json_clock_skew(server, seconds):
    json_refused(server, rig.json_call(server, "firehose", "CreateDeliveryStream", CREATE, when=utc(seconds)),
                 "InvalidSignatureException", 403)


@pytest.mark.parametrize("service", sorted(rig.JSON_TARGETS))
def test_unknown_operation(server, service):
    refused(rig.json_call(server, service, "MakeCoffee", {}), "UnknownOperationException", 400)


def test_unknown_operation_rest(server):
    refused(rig.signed(server, "lambda", "GET", "/2015-03-31/coffee"), "UnknownOperationException", 400)


def test_unknown_operation_s3(server, bucket):
    refused(rig.signed(server, "s3", "GET", f"/{bucket}?coffee"), "NotImplemented", 501)


def test_unknown_operation_query(server):
    refused(rig.signed(server, "sts", "POST", "/", b"Action=MakeCoffee&Version=2011-06-15",
                       {"Content-Type": "application/x-www-form-urlencoded"}), "InvalidAction", 400)


@pytest.mark.parametrize("service, target", [("dynamodb", "DynamoDB_20120810.ListTables"), ("kms", "TrentService.ListKeys")])
def test_service_that_is_not_there(server, service, target):
    text = refused(rig.signed(server, service, "POST", "/", b"{}", {
        "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}), "UnknownOperationException", 400)
    assert service in text


def test_scope_of_another_service(server):
    """Signed for one service, asking another: the service that it is signed for knows no such operation."""
    refused(rig.signed(server, "glue", "POST", "/", b"{}", {
        "X-Amz-Target": "Firehose_20150804.ListDeliveryStreams", "Content-Type": "application/x-amz-json-1.1"}),
        "UnknownOperationException", 400)


# --- members that AWS has and mulgil has not: refused, by name ---

MACHINE = '{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}'
REFUSED = [
    ("athena", "StartQueryExecution", {"QueryString": "SELECT 1", "ResultReuseConfiguration": {
        "ResultReuseByAgeConfiguration": {"Enabled": True}}}, "InvalidRequestException", "ResultReuse"),
    ("events", "PutRule", {"Name": "never", "ScheduleExpression": "rate(1 minute)"}, "ValidationException", "ScheduleExpression"),
    ("firehose", "CreateDeliveryStream", {**CREATE, "KinesisStreamSourceConfiguration": {
        "KinesisStreamARN": "arn:aws:kinesis:x:000000000000:stream/x", "RoleARN": rig.ROLE}},
     "InvalidArgumentException", "KinesisStreamSourceConfiguration"),
    ("glue", "CreateDatabase", {"DatabaseInput": {"Name": "never", "TargetDatabase": {"DatabaseName": "x"}}},
     "InvalidInputException", "TargetDatabase"),
    ("logs", "CreateLogGroup", {"logGroupName": "never", "kmsKeyId": "x"}, "InvalidParameterException", "kmsKeyId"),
    ("states", "CreateStateMachine", {"name": "never", "definition": MACHINE, "roleArn": rig.ROLE,
                                      "encryptionConfiguration": {"type": "AWS_OWNED_KEY"}},
     "ValidationException", "encryptionConfiguration"),
]


def things(server):
    """What the refused calls above would have made."""
    return (server.events.list_rules(NamePrefix="never")["Rules"] +
            server.glue.get_databases()["DatabaseList"] +
            server.client("logs").describe_log_groups(logGroupNamePrefix="never")["logGroups"] +
            [m for m in server.states.list_state_machines()["stateMachines"] if m["name"] == "never"] +
            [s for s in streams(server) if s == "never"] +
            [f for f in server.client("lambda").list_functions()["Functions"] if f["FunctionName"] == "never"])


@pytest.mark.parametrize("service, operation, document, code, member", REFUSED, ids=[r[0] for r in REFUSED])
def test_known_member_that_is_not_supported(server, service, operation, document, code, member):
    before = things(server)
    text = refused(rig.json_call(server, service, operation, document), code, 400)
    assert member.lower() in text.lower()
    assert things(server) == before


def test_known_member_that_is_not_supported_lambda(server):
    code, status, text = rig.error(server.client("lambda").create_function, FunctionName="never", Role=rig.ROLE,
                                   Runtime="provided.al2023", Handler="bootstrap", Code={"ZipFile": rig.package("handle = str")},
                                   VpcConfig={"SubnetIds": ["subnet-1"]})
    assert (code, status) == ("InvalidParameterValueException", 400) and "vpcconfig" in text.lower()
    assert not [f for f in server.client("lambda").list_functions()["Functions"] if f["FunctionName"] == "never"]


@pytest.mark.parametrize("members, named", [
    ({"ServerSideEncryption": "aws:kms"}, "x-amz-server-side-encryption"),
    ({"StorageClass": "GLACIER"}, "x-amz-storage-class"),
    ({"WebsiteRedirectLocation": "/x"}, "x-amz-website-redirect-location"),
])
def test_known_member_that_is_not_supported_s3(server, bucket, members, named):
    code, status, text = rig.error(server.s3.put_object, Bucket=bucket, Key="x", Body=b"x", **members)
    assert (code, status) == ("NotImplemented", 501), text
    assert named in text.lower() or list(members)[0].lower() in text.lower(), text


MISSPELT = [
    ("athena", "StartQueryExecution", {"QueryString": "SELECT 1", "QuerryString": "x"}, "QuerryString"),
    ("events", "PutRule", {"Name": "never", "EventPattern": '{"a":["b"]}', "Sate": "ENABLED"}, "Sate"),
    ("firehose", "CreateDeliveryStream", {**CREATE, "DeliveryStreamTyp": "DirectPut"}, "DeliveryStreamTyp"),
    ("glue", "CreateDatabase", {"DatabaseInput": {"Name": "never", "Descripton": "x"}}, "Descripton"),
    ("logs", "CreateLogGroup", {"logGroupName": "never", "logGroupClas": "STANDARD"}, "logGroupClas"),
    ("states", "CreateStateMachine", {"name": "never", "definition": MACHINE, "roleArn": rig.ROLE, "tpye": "STANDARD"}, "tpye"),
]


@pytest.mark.parametrize("service, operation, document, member", MISSPELT, ids=[m[0] for m in MISSPELT])
def test_misspelt_member(server, service, operation, document, member):
    before = things(server)
    answer = rig.json_call(server, service, operation, document)
    assert answer.status == 400 and member.lower() in answer.body.decode().lower(), answer.body
    assert things(server) == before


@pytest.mark.parametrize("service", sorted(rig.JSON_TARGETS))
@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b'{"a":1}x', b"\xff", b'{"\xff":1}'])
def test_broken_body(server, service, body):
    operation = {"athena": "GetQueryExecution", "events": "ListRules", "firehose": "ListDeliveryStreams", "glue": "GetDatabases", "kinesis": "ListStreams",
                 "logs": "DescribeLogGroups", "sqs": "ListQueues", "states": "ListStateMachines"}[service]
    refused(rig.json_call(server, service, operation, body), "SerializationException", 400)


def test_health_is_all_that_is_open(server):
    assert rig.http(server.endpoint, "GET", "/-/health").status == 200
    for target in ("/-/measurements", "/-/executions", "/-/signals?measurement=x", "/-/url/abc/", "/-/", "/"):
        assert rig.http(server.endpoint, "GET", target).status in (400, 403), target
