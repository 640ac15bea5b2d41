# SPDX-License-Identifier: Apache-2.0
"""Uploads by a browser's form: what boto3 signs works, and the policy is what it is taken for."""
import base64
import datetime
import hashlib
import hmac
import json
import zlib

import pytest

import rig

B = "----mulgil-form"


@pytest.fixture(scope="module")
def bucket(shared):
    return shared.bucket()


def part(name, value, more=""):
    return (f"--{B}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n").encode() + value + b"\r\n"


def form(fields, data=b"hello", filename="a.txt", tail=b""):
    """A form's body; @fields in their order, the file last, @tail behind it."""
    pairs = fields.items() if isinstance(fields, dict) else fields
    out = b"".join(part(k, v if isinstance(v, bytes) else v.encode()) for k, v in pairs)
    if data is not None:
        out += part("file", data, f'; filename="{filename}"\r\nContent-Type: text/x-part')
    return out + tail + f"--{B}--\r\n".encode()


def post(server, bucket, body, headers=None, target=None):
    return rig.http(server.endpoint, "POST", target or f"/{bucket}",
                    {"Content-Type": f"multipart/form-data; boundary={B}", **(headers or {})}, body)


def upload(server, bucket, fields, *words, **more):
    return post(server, bucket, form(fields, *words, **more))


def sign(bucket, conditions, key="k", fields=None, seconds=600, now=None, secret=rig.SECRET, access_key=rig.ACCESS_KEY,
         region=rig.REGION, service="s3", document=None, date=None):
    """The fields of a form for a policy of these conditions, signed by hand."""
    now = now or datetime.datetime.utcnow()
    day, stamp = now.strftime("%Y%m%d"), date or now.strftime("%Y%m%dT%H%M%SZ")
    own = {"x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-credential": f"{access_key}/{day}/{region}/{service}/aws4_request",
           "x-amz-date": stamp}
    until = (datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if document is None:
        document = json.dumps({"expiration": until, "conditions": [{"bucket": bucket}, *conditions, *({k: v} for k, v in own.items())]})
    policy = base64.b64encode(document if isinstance(document, bytes) else document.encode())
    step = ("AWS4" + secret).encode()
    for word in (day, region, service, "aws4_request"):
        step = hmac.digest(step, word.encode(), "sha256")
    return {"key": key, **(fields or {}), **own, "policy": policy.decode(),
            "x-amz-signature": hmac.new(step, policy, "sha256").hexdigest()}


KEY = ["starts-with", "$key", ""]


def refused(answer, code, status, text=""):
    assert (answer.code(), answer.status) == (code, status), answer.body[:1000]
    assert text in answer.body.decode().replace("&quot;", '"').replace("\",\"", '", "'), answer.body[:1000]


def keys(server, bucket):
    return set(server.objects(bucket))


def test_boto3(server, bucket):
    p = server.s3.generate_presigned_post(bucket, "from/boto3 \u00e4", Fields={"x-amz-meta-who": "p 1", "Content-Type": "text/x-test"},
                                          Conditions=[{"x-amz-meta-who": "p 1"}, {"Content-Type": "text/x-test"},
                                                      ["content-length-range", 1, 100]])
    assert p["url"] == f"{server.endpoint}/{bucket}"
    answer = upload(server, bucket, p["fields"], b"by a browser")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["ETag"] == '"' + hashlib.md5(b"by a browser").hexdigest() + '"'
    assert answer.headers["Location"] == f"{server.endpoint}/{bucket}/from%2Fboto3%20%C3%A4"
    got = server.s3.get_object(Bucket=bucket, Key="from/boto3 \u00e4")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"by a browser", "text/x-test", {"who": "p 1"})


def test_every_field_that_makes_an_object(server, bucket):
    crc = base64.b64encode(zlib.crc32(b"hello").to_bytes(4, "big")).decode()
    tags = "<Tagging><TagSet><Tag><Key>a&amp;b</Key><Value>1 2</Value></Tag></TagSet></Tagging>"
    fields = {"acl": "private", "Cache-Control": "no-cache", "Content-Disposition": "inline", "Content-Encoding": "x",
              "Content-Type": "text/plain", "Expires": "Wed, 21 Oct 2099 07:28:00 GMT", "tagging": tags, "x-amz-storage-class": "STANDARD",
              "x-amz-checksum-crc32": crc, "x-amz-meta-a": "1", "x-ignore-me": "x", "utf8": "\u2713"}
    conditions = [["starts-with", "$" + k, ""] for k in fields if k != "x-ignore-me"] + [KEY]
    answer = upload(server, bucket, sign(bucket, conditions, "all", fields))
    assert answer.status == 204, answer.body
    got = server.s3.get_object(Bucket=bucket, Key="all", ChecksumMode="ENABLED")
    assert (got["CacheControl"], got["ContentDisposition"], got["ContentEncoding"], got["ContentType"], got["Metadata"],
            got["ChecksumCRC32"]) == ("no-cache", "inline", "x", "text/plain", {"a": "1"}, crc)
    assert server.s3.get_object_tagging(Bucket=bucket, Key="all")["TagSet"] == [{"Key": "a&b", "Value": "1 2"}]


def test_names_in_any_case(server, bucket):
    fields = sign(bucket, [["StArTs-WiTh", "$KeY", "any"]], "any-case")
    answer = upload(server, bucket, {k.title(): v for k, v in fields.items()})
    assert answer.status == 204, answer.body


@pytest.mark.parametrize("filename, key", [("f.txt", "up/f.txt"), ("C:\\dir\\g.txt", "up/g.txt"), ("../../h", "up/h"), ("", "up/")])
def test_filename(server, bucket, filename, key):
    fields = sign(bucket, [["starts-with", "$key", "up/"]], "up/${filename}")
    assert upload(server, bucket, fields, filename=filename).status == 204
    assert key in keys(server, bucket)


def test_filename_is_judged_as_it_becomes(server, bucket):
    fields = sign(bucket, [["eq", "$key", "${filename}"]], "${filename}")
    refused(upload(server, bucket, fields, filename="evil"), "AccessDenied", 403, "Policy Condition failed")
    assert "evil" not in keys(server, bucket)


@pytest.mark.parametrize("asked, status", [("200", 200), ("201", 201), ("204", 204), ("404", 204), ("x", 204)])
def test_status(server, bucket, asked, status):
    fields = sign(bucket, [KEY, {"success_action_status": asked}], "st<>\u00e4", {"success_action_status": asked})
    answer = upload(server, bucket, fields)
    assert answer.status == status, answer.body
    etag = '"' + hashlib.md5(b"hello").hexdigest() + '"'
    assert answer.headers["ETag"] == etag
    if status == 201:
        text = answer.body.decode()
        assert "<PostResponse><Location>" in text and "<Key>st&lt;&gt;\u00e4</Key>" in text and f"<Bucket>{bucket}</Bucket>" in text
    else:
        assert answer.body == b""


@pytest.mark.parametrize("to, back", [("http://host/x", "http://host/x?"), ("https://host/x?a=1", "https://host/x?a=1&"),
                                      ("javascript:alert(1)", None), ("http://h/\r\nX-Evil: 1", None), ("host", None)])
def test_redirect(server, bucket, to, back):
    fields = sign(bucket, [KEY, {"success_action_redirect": to}], "re &", {"success_action_redirect": to})
    answer = upload(server, bucket, fields)
    etag = hashlib.md5(b"hello").hexdigest()
    assert answer.headers.get("X-Evil") is None
    if back is None:
        assert answer.status == 204
    else:
        assert answer.status == 303
        assert answer.headers["Location"] == f"{back}bucket={bucket}&key=re%20%26&etag=%22{etag}%22"


@pytest.mark.parametrize("size", [0, 1, 16384, 65535, 65536, 1_000_003])
def test_sizes(server, bucket, size):
    data = (b"\r\n--" + B.encode()[:-1] + b"\r\n-") * (size // 20 + 1)
    data = data[:size]
    assert upload(server, bucket, sign(bucket, [KEY], f"size/{size}"), data).status == 204
    assert server.objects(bucket, f"size/{size}") == {f"size/{size}": data}


def test_virtual_host(server, bucket):
    fields = sign(bucket, [KEY], "virtual")
    host = server.endpoint.rpartition(":")[2]
    assert post(server, bucket, form(fields), {"Host": f"{bucket}.localhost:{host}"}, "/").status == 204
    assert "virtual" in keys(server, bucket)


def test_fields_behind_the_file_do_not_count(server, bucket):
    fields = sign(bucket, [KEY], "tail")
    assert post(server, bucket, form(fields, tail=part("submit", b"Upload") + part("key", b"other"))).status == 204
    assert "tail" in keys(server, bucket) and "other" not in keys(server, bucket)


# --- what is refused, and leaves nothing behind ---

@pytest.fixture
def untouched(server):
    b = server.bucket()
    server.s3.put_object(Bucket=b, Key="kept", Body=b"kept")
    yield b
    assert server.objects(b) == {"kept": b"kept"}


RANGE = ["content-length-range", 2, 4]
POLICY = [
    ("eq", [["eq", "$key", "other"]], {}, b"x", "AccessDenied", 403, 'Policy Condition failed: ["eq", "$key", "other"]'),
    ("starts-with", [["starts-with", "$key", "own/"]], {}, b"x", "AccessDenied", 403, "Policy Condition failed"),
    ("value in other case", [{"key": "K"}], {}, b"x", "AccessDenied", 403, "Policy Condition failed"),
    ("uncovered field", [KEY], {"x-amz-meta-a": "1"}, b"x", "AccessDenied", 403, "Extra input fields: x-amz-meta-a"),
    ("uncovered key", [], {}, b"x", "AccessDenied", 403, "Extra input fields: key"),
    ("uncovered acl", [KEY], {"acl": "private"}, b"x", "AccessDenied", 403, "Extra input fields: acl"),
    ("uncovered token", [KEY], {"x-amz-security-token": "x"}, b"x", "InvalidToken", 400, ""),
    ("field that is not there", [KEY, ["starts-with", "$x-amz-meta-a", ""]], {}, b"x", "AccessDenied", 403, "Policy Condition failed"),
    ("one content type of two", [KEY, ["starts-with", "$Content-Type", "image/"]], {"Content-Type": "image/png,text/html"}, b"x",
     "AccessDenied", 403, "Policy Condition failed"),
    ("too long", [KEY, RANGE], {}, b"12345", "EntityTooLarge", 400, "<MaxSizeAllowed>4</MaxSizeAllowed>"),
    ("much too long", [KEY, RANGE], {}, b"x" * 500_000, "EntityTooLarge", 400, "MaxSizeAllowed"),
    ("too short", [KEY, RANGE], {}, b"1", "EntityTooSmall", 400, "<MinSizeAllowed>2</MinSizeAllowed>"),
    ("two ranges", [KEY, RANGE, ["content-length-range", 0, 3]], {}, b"1234", "EntityTooLarge", 400, "<MaxSizeAllowed>3<"),
    ("other bucket", [KEY, {"bucket": "other-bucket"}], {}, b"x", "AccessDenied", 403, "Policy Condition failed"),
    ("field bucket", [KEY], {"bucket": "other-bucket"}, b"x", "AccessDenied", 403, "bucket"),
    ("key from outside", [KEY], {"key": ""}, b"x", "InvalidArgument", 400, "field named"),
    ("wrong checksum", [KEY, ["starts-with", "$x-amz-checksum-crc32", ""]], {"x-amz-checksum-crc32": "AAAAAA=="}, b"x", "BadDigest", 400, ""),
    ("unknown x-amz", [KEY, ["starts-with", "$x-amz-new-thing", ""]], {"x-amz-new-thing": "1"}, b"x", "NotImplemented", 501, "x-amz-new-thing"),
    ("public acl", [KEY, {"acl": "public-read"}], {"acl": "public-read"}, b"x", None, None, ""),
    ("storage class", [KEY, {"x-amz-storage-class": "GLACIER"}], {"x-amz-storage-class": "GLACIER"}, b"x", "NotImplemented", 501, ""),
    ("tagging", [KEY, ["starts-with", "$tagging", ""]], {"tagging": "<Tagging>"}, b"x", "MalformedXML", 400, ""),
    ("line end in metadata", [KEY, ["starts-with", "$x-amz-meta-a", ""]], {"x-amz-meta-a": "1\r\nSet-Cookie: x"}, b"x", "InvalidArgument", 400, ""),
    ("NUL in the key", [KEY], {"key": "a\0b"}, b"x", "InvalidURI", 400, ""),
    ("long key", [KEY], {"key": "k" * 1025}, b"x", "KeyTooLongError", 400, ""),
]


@pytest.mark.parametrize("what, conditions, fields, data, code, status, text", POLICY, ids=[p[0] for p in POLICY])
def test_policy(server, untouched, what, conditions, fields, data, code, status, text):
    f = sign(untouched, conditions, "k", fields)
    answer = upload(server, untouched, f, data)
    if code is None:
        assert 400 <= answer.status < 500 or answer.status == 501
    else:
        refused(answer, code, status, text)


UNTIL = '"expiration": "2099-01-01T00:00:00Z"'
DOCUMENTS = [
    ("expired", '{"expiration": "2020-01-01T00:00:00Z", "conditions": []}', "AccessDenied", 403, "Policy expired"),
    ("empty", "", "InvalidPolicyDocument", 400, "Invalid JSON"),
    ("no JSON", "{", "InvalidPolicyDocument", 400, "Invalid JSON"),
    ("no object", "[]", "InvalidPolicyDocument", 400, "Invalid JSON"),
    ("no expiration", '{"conditions": []}', "InvalidPolicyDocument", 400, "expiration"),
    ("expiration's form", '{"expiration": "tomorrow", "conditions": []}', "InvalidPolicyDocument", 400, "expiration"),
    ("expiration's case", '{"EXPIRATION": "2099-01-01T00:00:00Z", "conditions": []}', "InvalidPolicyDocument", 400, "Unexpected"),
    ("no conditions", "{" + UNTIL + "}", "InvalidPolicyDocument", 400, "conditions"),
    ("conditions' form", "{" + UNTIL + ', "conditions": {}}', "InvalidPolicyDocument", 400, "conditions"),
    ("empty condition", "{" + UNTIL + ', "conditions": [{}]}', "InvalidPolicyDocument", 400, "Simple-Condition"),
    ("text for a condition", "{" + UNTIL + ', "conditions": ["eq"]}', "InvalidPolicyDocument", 400, "Condition"),
    ("unknown operation", "{" + UNTIL + ', "conditions": [["matches", "$key", "x"]]}', "InvalidPolicyDocument", 400, "operation"),
    ("no dollar", "{" + UNTIL + ', "conditions": [["eq", "key", "x"]]}', "InvalidPolicyDocument", 400, "field's name"),
    ("two words", "{" + UNTIL + ', "conditions": [["eq", "$key"]]}', "InvalidPolicyDocument", 400, "list of three"),
    ("negative length", "{" + UNTIL + ', "conditions": [["content-length-range", -1, 0]]}', "InvalidPolicyDocument", 400, "length"),
    ("half a range", "{" + UNTIL + ', "conditions": [["content-length-range", 0]]}', "InvalidPolicyDocument", 400, "three"),
    ("range upside down", "{" + UNTIL + ', "conditions": [["content-length-range", 2, 1]]}', "InvalidPolicyDocument", 400, "length"),
    ("no bucket", "{" + UNTIL + ', "conditions": [["starts-with", "$key", ""]]}', "AccessDenied", 403, "Extra input fields: bucket"),
    ("a number", "{" + UNTIL + ', "conditions": [{"key": 1}]}', "InvalidPolicyDocument", 400, "string"),
    ("deep", "{" + UNTIL + ', "conditions": ' + "[" * 100 + "]" * 100 + "}", "InvalidPolicyDocument", 400, "Invalid JSON"),
    ("other member", "{" + UNTIL + ', "conditions": [], "Conditions": []}', "InvalidPolicyDocument", 400, "Unexpected"),
]


@pytest.mark.parametrize("what, document, code, status, text", DOCUMENTS, ids=[d[0] for d in DOCUMENTS])
def test_document(server, untouched, what, document, code, status, text):
    answer = upload(server, untouched, sign(untouched, [], document=document))
    refused(answer, code, status)
    assert text.replace("'", "&apos;") in answer.body.decode() or text in answer.body.decode(), answer.body


def days(n):
    return datetime.datetime.utcnow() + datetime.timedelta(days=n)


SIGNATURES = [
    ("wrong secret", {"secret": "wrong"}, {}, "SignatureDoesNotMatch", 403),
    ("unknown key", {"access_key": "AKIANOBODYNOBODYNOBO"}, {}, "InvalidAccessKeyId", 403),
    ("other region", {"region": "eu-west-1"}, {}, "InvalidArgument", 400),
    ("other service", {"service": "iam"}, {}, "InvalidArgument", 400),
    ("eight days old", {"now": days(-8)}, {}, "AccessDenied", 403),
    ("of tomorrow", {"now": days(1)}, {}, "AccessDenied", 403),
    ("day of another date", {"date": days(-1).strftime("%Y%m%dT%H%M%SZ")}, {}, "InvalidArgument", 400),
    ("no date", {"date": "now"}, {}, "InvalidArgument", 400),
    ("other algorithm", {}, {"x-amz-algorithm": "AWS4-HMAC-SHA1"}, "InvalidArgument", 400),
    ("no algorithm", {}, {"x-amz-algorithm": None}, "InvalidArgument", 400),
    ("no credential", {}, {"x-amz-credential": None}, "InvalidArgument", 400),
    ("short credential", {}, {"x-amz-credential": "AKIA/20200101"}, "InvalidArgument", 400),
    ("no signature", {}, {"x-amz-signature": None}, "InvalidArgument", 400),
    ("empty signature", {}, {"x-amz-signature": ""}, "SignatureDoesNotMatch", 403),
    ("changed policy", {}, {"policy": base64.b64encode(b"{}").decode()}, "SignatureDoesNotMatch", 403),
    ("no policy", {}, {"policy": None}, "AccessDenied", 403),
    ("signature version 2", {}, {"AWSAccessKeyId": rig.ACCESS_KEY, "signature": "x"}, "InvalidRequest", 400),
]


@pytest.mark.parametrize("what, how, change, code, status", SIGNATURES, ids=[s[0] for s in SIGNATURES])
def test_signature(server, untouched, what, how, change, code, status):
    fields = {**sign(untouched, [KEY], **how), **change}
    refused(upload(server, untouched, {k: v for k, v in fields.items() if v is not None}), code, status)


def test_header_that_is_not_signed(server, untouched):
    refused(post(server, untouched, form(sign(untouched, [KEY])), {"x-amz-meta-a": "1"}), "AccessDenied", 403, "not signed")


def test_two_kinds_of_credentials(server, untouched):
    """A signed header makes it a request like others: a bucket has no POST."""
    headers = rig.sign(server, "s3", "POST", f"/{untouched}", b"", {"Content-Type": f"multipart/form-data; boundary={B}"})
    answer = post(server, untouched, form(sign(untouched, [KEY])), headers)
    assert 400 <= answer.status < 500


def test_form_to_an_object_or_with_a_query(server, untouched):
    for target in (f"/{untouched}/k", f"/{untouched}?delete", f"/{untouched}?uploads", "/"):
        refused(post(server, untouched, form(sign(untouched, [KEY])), target=target), "AccessDenied", 403)


def test_unknown_bucket(server):
    b = rig.name("b")
    refused(upload(server, b, sign(b, [KEY])), "NoSuchBucket", 404)


GOOD = part("key", b"k")
HEAD = f'--{B}\r\nContent-Disposition: form-data; name="key"\r\n'.encode()
FORMS = [
    ("nothing", b"", "MalformedPOSTRequest"),
    ("no delimiter", b"key=k", "MalformedPOSTRequest"),
    ("other delimiter", b"--other\r\n\r\n--other--\r\n", "MalformedPOSTRequest"),
    ("text before it", b"x" + GOOD, "MalformedPOSTRequest"),
    ("bare line feeds", (GOOD + f"--{B}--\r\n".encode()).replace(b"\r\n", b"\n"), "MalformedPOSTRequest"),
    ("no name", f"--{B}\r\nContent-Disposition: form-data\r\n\r\nk\r\n--{B}--\r\n".encode(), "MalformedPOSTRequest"),
    ("no disposition", f"--{B}\r\nContent-Type: text/plain\r\n\r\nk\r\n--{B}--\r\n".encode(), "MalformedPOSTRequest"),
    ("open quote", f'--{B}\r\nContent-Disposition: form-data; name="key\r\n\r\nk\r\n--{B}--\r\n'.encode(), "MalformedPOSTRequest"),
    ("name twice", f'--{B}\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\nk\r\n--{B}--\r\n'.encode(), "MalformedPOSTRequest"),
    ("header line without colon", f'--{B}\r\nfoo\r\n\r\nk\r\n--{B}--\r\n'.encode(), "MalformedPOSTRequest"),
    ("cut in a head", HEAD, "MalformedPOSTRequest"),
    ("cut in a field", HEAD + b"\r\nk", "MalformedPOSTRequest"),
    ("dash behind a delimiter", GOOD + f"--{B}-x".encode(), "MalformedPOSTRequest"),
    ("field twice", GOOD + GOOD + f"--{B}--\r\n".encode(), "MalformedPOSTRequest"),
    ("no file", GOOD + f"--{B}--\r\n".encode(), "IncorrectNumberOfFilesInPostRequest"),
    ("much before the file", part("x", b"x" * 21000) + part("file", b"x"), "MaxPostPreDataLengthExceededError"),
    ("a hundred fields and one", b"".join(part(f"f{i}", b"") for i in range(101)) + GOOD, "MaxPostPreDataLengthExceededError"),
    ("a head without end", HEAD + b"X: " + b"x" * 30000, "MaxPostPreDataLengthExceededError"),
]


@pytest.mark.parametrize("what, body, code", FORMS, ids=[f[0] for f in FORMS])
def test_form_that_is_none(server, untouched, what, body, code):
    refused(post(server, untouched, body), code, 400)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary="x',
                                  "multipart/form-data; boundary=" + "b" * 71, "multipart/form-data; boundary=a; boundary=b"])
def test_boundary_that_is_none(server, untouched, kind):
    refused(post(server, untouched, form(sign(untouched, [KEY])), {"Content-Type": kind}), "MalformedPOSTRequest", 400)


ENDS = [
    ("cut in the file", lambda b: b[:-40], "MalformedPOSTRequest"),
    ("no last delimiter", lambda b: b[:-len(B) - 8], "MalformedPOSTRequest"),
    ("not the last delimiter", lambda b: b[:-4] + b"\r\n", "MalformedPOSTRequest"),
    ("text behind it", lambda b: b + b"x", "MalformedPOSTRequest"),
    ("a second file", lambda b: b[:-len(B) - 6] + part("file", b"y") + f"--{B}--\r\n".encode(), "IncorrectNumberOfFilesInPostRequest"),
    ("much behind it", lambda b: b[:-len(B) - 6] + part("x", b"y" * 21000) + f"--{B}--\r\n".encode(), "MaxPostPreDataLengthExceededError"),
]


@pytest.mark.parametrize("what, change, code", ENDS, ids=[e[0] for e in ENDS])
def test_end_that_is_none(server, untouched, what, change, code):
    refused(post(server, untouched, change(form(sign(untouched, [KEY])))), code, 400)


def test_session_token(server, bucket):
    """A temporary key signs forms too, and its token has to come along, covered by a condition."""
    code = "def handle(event):\n    return {k: os.environ[k] for k in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN')}"
    f = server.function(code)
    rig.until("the function is active", lambda: server.client("lambda").get_function(FunctionName=f)["Configuration"]["State"] == "Active")
    k = json.loads(server.client("lambda").invoke(FunctionName=f, Payload=b"{}")["Payload"].read())
    how = {"access_key": k["AWS_ACCESS_KEY_ID"], "secret": k["AWS_SECRET_ACCESS_KEY"]}
    token = k["AWS_SESSION_TOKEN"]
    good = sign(bucket, [KEY, {"x-amz-security-token": token}], "token", {"x-amz-security-token": token}, **how)
    assert upload(server, bucket, good).status == 204
    refused(upload(server, bucket, sign(bucket, [KEY], "token2", {"x-amz-security-token": token}, **how)), "AccessDenied", 403, "Extra input")
    refused(upload(server, bucket, sign(bucket, [KEY], "token2", **how)), "InvalidToken", 400)
    assert "token2" not in keys(server, bucket)


def test_event_says_how_it_came(server):
    """The reason is spelt as EventBridge spells it."""
    b, sink, rule = server.bucket(events=True), server.bucket(), rig.name("r")
    arn = f"arn:aws:firehose:{rig.REGION}:{rig.ACCOUNT}:deliverystream/{server.stream(sink)}"
    server.events.put_rule(Name=rule, EventPattern=json.dumps({
        "source": ["aws.s3"], "detail": {"bucket": {"name": [b]}, "reason": ["POST Object"]}}))
    server.events.put_targets(Rule=rule, Targets=[{"Id": "1", "RoleArn": rig.ROLE, "Arn": arn}])
    assert upload(server, b, sign(b, [KEY], "noted")).status == 204
    rig.until("the event", lambda: b'"noted"' in b"".join(server.objects(sink).values()))
    server.events.remove_targets(Rule=rule, Ids=["1"])
    server.events.delete_rule(Name=rule)
