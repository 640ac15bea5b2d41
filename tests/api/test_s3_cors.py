# SPDX-License-Identifier: Apache-2.0
"""Cross-origin rules: kept as AWS keeps them, and all that an unsigned question learns."""
import pytest

import rig

RULES = [
    {"ID": "reads", "AllowedOrigins": ["https://a.example", "https://*.b.example"], "AllowedMethods": ["GET", "HEAD"],
     "AllowedHeaders": ["x-amz-*", "Range"], "ExposeHeaders": ["ETag", "x-amz-version-id"], "MaxAgeSeconds": 600},
    {"AllowedOrigins": ["*"], "AllowedMethods": ["POST"]},
]
ALL = ("Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers",
       "Access-Control-Expose-Headers", "Access-Control-Max-Age", "Access-Control-Allow-Credentials")


@pytest.fixture(scope="module")
def bucket(shared):
    b = shared.bucket()
    shared.s3.put_bucket_cors(Bucket=b, CORSConfiguration={"CORSRules": RULES})
    shared.s3.put_object(Bucket=b, Key="k", Body=b"hello")
    return b


def asked(server, target, origin="https://a.example", method="GET", headers=None, **more):
    h = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return rig.http(server.endpoint, "OPTIONS", target, {**{k: v for k, v in h.items() if v is not None}, **more})


def said(answer):
    return {k.rpartition("Control-")[2]: answer.headers[k] for k in ALL if answer.headers[k] is not None}


def test_life(server):
    b = server.bucket()
    s = server.s3
    assert rig.error(s.get_bucket_cors, Bucket=b)[:2] == ("NoSuchCORSConfiguration", 404)
    s.put_bucket_cors(Bucket=b, CORSConfiguration={"CORSRules": RULES})
    assert s.get_bucket_cors(Bucket=b)["CORSRules"] == RULES
    s.put_bucket_cors(Bucket=b, CORSConfiguration={"CORSRules": RULES[1:]})
    assert s.get_bucket_cors(Bucket=b)["CORSRules"] == RULES[1:]
    s.delete_bucket_cors(Bucket=b)
    s.delete_bucket_cors(Bucket=b)
    assert rig.error(s.get_bucket_cors, Bucket=b)[0] == "NoSuchCORSConfiguration"
    none = rig.name("b")
    for call in (s.get_bucket_cors, s.delete_bucket_cors):
        assert rig.error(call, Bucket=none)[:2] == ("NoSuchBucket", 404)
    assert rig.error(s.put_bucket_cors, Bucket=none, CORSConfiguration={"CORSRules": RULES})[:2] == ("NoSuchBucket", 404)


@pytest.mark.parametrize("rules, code, text", [
    ([], "MalformedXML", ""),
    ([{"AllowedOrigins": ["*"], "AllowedMethods": ["PATCH"]}], "InvalidRequest", "Unsupported method is PATCH"),
    ([{"AllowedOrigins": ["http://*.*"], "AllowedMethods": ["GET"]}], "InvalidRequest", "more than one wildcard"),
    ([{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*-*"]}], "InvalidRequest", "more than one wildcard"),
    ([{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "ExposeHeaders": ["x-*"]}], "InvalidRequest", "wildcard"),
    ([{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "ExposeHeaders": ["a\r\nSet-Cookie: x"]}], "InvalidRequest", "character"),
    ([{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "MaxAgeSeconds": -1}], "InvalidArgument", "maxAgeSeconds"),
    ([{"AllowedOrigins": [], "AllowedMethods": ["GET"]}], "MalformedXML", ""),
    ([{"AllowedOrigins": ["*"], "AllowedMethods": []}], "MalformedXML", ""),
    ([{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}] * 101, "MalformedXML", ""),
    ([{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "ID": "x" * 256}], "InvalidArgument", "255"),
])
def test_wrong_rules(server, bucket, rules, code, text):
    got = rig.error(server.client("s3", validate=False).put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert got[:2] == (code, 400) and text in got[2], got
    assert server.s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == RULES


@pytest.mark.parametrize("origin, method, headers, answer", [
    ("https://a.example", "GET", None, {"Allow-Origin": "https://a.example", "Allow-Methods": "GET, HEAD"}),
    ("https://x.b.example", "HEAD", "range,X-Amz-Date", {"Allow-Origin": "https://x.b.example", "Allow-Methods": "GET, HEAD",
                                                        "Allow-Headers": "range, X-Amz-Date"}),
    ("https://anybody", "POST", None, {"Allow-Origin": "*", "Allow-Methods": "POST"}),
])
def test_preflight(server, bucket, origin, method, headers, answer):
    for target in (f"/{bucket}", f"/{bucket}/k", f"/{bucket}/absent"):
        got = asked(server, target, origin, method, headers)
        assert (got.status, got.body) == (200, b"")
        more = {} if method == "POST" else {"Expose-Headers": "ETag, x-amz-version-id", "Max-Age": "600", "Allow-Credentials": "true"}
        assert said(got) == {**answer, **more}
        assert "Origin" in got.headers["Vary"]


def test_preflight_of_a_virtual_host(server, bucket):
    got = asked(server, "/k", Host=f"{bucket}.localhost")
    assert got.status == 200 and said(got)["Allow-Origin"] == "https://a.example"


@pytest.mark.parametrize("origin, method, headers", [
    ("https://b.example", "GET", None), ("https://a.example", "PUT", None), ("https://a.example.evil", "GET", None),
    ("http://a.example", "GET", None), ("HTTPS://A.EXAMPLE", "GET", None), ("null", "GET", None), ("*", "GET", None),
    ("https://a.example", "get", None), ("https://a.example", "GET", "Authorization"), ("https://a.example", "GET", "Range, Cookie"),
])
def test_preflight_that_is_refused(server, bucket, origin, method, headers):
    """Neither the rules nor whether there is such a bucket can be told from the answer."""
    plain = server.bucket()
    answers = [asked(server, f"/{b}/k", origin, method, headers) for b in (bucket, plain, rig.name("none"))]
    for a in answers:
        assert (a.status, a.code(), said(a)) == (403, "AccessForbidden", {})
    texts = {a.body.split(b"<Resource>")[0] for a in answers}
    assert len(texts) == 1, texts


def test_preflight_without_a_question(server, bucket):
    assert (lambda a: (a.status, a.code()))(asked(server, f"/{bucket}", origin=None)) == (400, "BadRequest")
    assert (lambda a: (a.status, a.code()))(asked(server, f"/{bucket}", method=None)) == (400, "BadRequest")
    for target in ("/", "/?x", "//k", "/%00", "/%zz/k", f"/{bucket}%2Fk"):
        assert (lambda a: (a.status, a.code()))(asked(server, target)) == (403, "AccessForbidden"), target


def test_a_signature_changes_nothing_of_a_preflight(server, bucket):
    got = asked(server, f"/{bucket}", "https://b.example", **rig.sign(server, "s3", "OPTIONS", f"/{bucket}"))
    assert got.status == 403


@pytest.mark.parametrize("origin, there", [("https://a.example", True), ("https://b.example", False)])
def test_answers(server, bucket, origin, there):
    """Also those that are errors, so that a page can see what went wrong."""
    for target, status in ((f"/{bucket}/k", 200), (f"/{bucket}/absent", 404), (f"/{bucket}?list-type=2", 200), (f"/{bucket}/k?max=1", 501)):
        got = rig.signed(server, "s3", "GET", target, headers={"Origin": origin})
        assert got.status == status
        assert said(got).get("Allow-Origin") == (origin if there else None), target
        assert ("Origin" in got.headers.get("Vary", "")) == there
    got = rig.http(server.endpoint, "GET", f"/{bucket}/k", {"Origin": origin})
    assert got.status == 403 and said(got).get("Allow-Origin") == (origin if there else None)
    url = server.s3.generate_presigned_url("head_object", {"Bucket": bucket, "Key": "k"})
    got = rig.http(server.endpoint, "HEAD", url[len(server.endpoint):], {"Origin": origin})
    assert got.status == 200 and said(got).get("Expose-Headers") == ("ETag, x-amz-version-id" if there else None)


def test_answer_to_a_method_that_no_rule_has(server, bucket):
    got = rig.signed(server, "s3", "PUT", f"/{bucket}/k", b"hello", {"Origin": "https://a.example"})
    assert got.status == 200 and said(got) == {}


def test_answers_of_other_services(server, bucket):
    got = rig.json_call(server, "firehose", "ListDeliveryStreams", {})
    assert got.status == 200 and said(got) == {}


def test_rules_survive_kill(make_server):
    s = make_server().start()
    b = s.bucket()
    s.s3.put_bucket_cors(Bucket=b, CORSConfiguration={"CORSRules": RULES})
    s.restart()
    assert s.s3.get_bucket_cors(Bucket=b)["CORSRules"] == RULES
    assert asked(s, f"/{b}").status == 200
    s.s3.delete_bucket(Bucket=b)
    s.s3.create_bucket(Bucket=b, CreateBucketConfiguration={"LocationConstraint": rig.REGION})
    assert asked(s, f"/{b}").status == 403
