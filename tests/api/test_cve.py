# SPDX-License-Identifier: Apache-2.0
"""The mistakes of other object stores, one test for each row of their advisories that applies to what exists here.

A test passes only if the answer is right and nothing has changed.  Rows without a test, and why: 7 (no request to an
address that a client chose), 28 (nothing known).  Rows 10, 11 and 24 are in test_cve_users.py.
"""
import base64
import hashlib
import json
import os
import random
import re
import socket
import urllib.parse
import zlib

import pytest

import raw
import rig
import test_s3_post as forms

BODY = b"what must not change"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
CHUNKED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
FAULTS = [{"secret": "not-the-secret"}, {"access_key": "AKIANOBODYNOBODYNOBO"}, {"sign": False}]


class World:
    def __init__(self, server):
        s3 = server.s3
        self.server, self.host = server, server.endpoint.partition("//")[2]
        self.bucket, self.other = server.bucket(), server.bucket()
        for b in (self.bucket, self.other):
            s3.put_object(Bucket=b, Key="kept", Body=BODY, Tagging="a=1", Metadata={"m": "1"})
        self.upload = s3.create_multipart_upload(Bucket=self.bucket, Key="up")["UploadId"]
        self.made = set()  # buckets that the tests themselves made

    def scratch(self):
        b = self.server.bucket()
        self.made.add(b)
        return b

    def state(self):
        s3 = self.server.s3
        return ({b["Name"] for b in s3.list_buckets()["Buckets"]} - self.made, [self.server.objects(b) for b in (self.bucket, self.other)],
                [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])],
                [s3.list_parts(Bucket=self.bucket, Key="up", UploadId=self.upload).get("Parts", [])],
                s3.get_object_tagging(Bucket=self.bucket, Key="kept")["TagSet"], s3.get_bucket_versioning(Bucket=self.bucket).get("Status"))

    def ask(self, method, target, headers=(), body=b"", **how):
        with raw.Wire(self.server) as w:
            return w.ask(raw.request(self.host, method, target, headers, body, **how), method == "HEAD")


@pytest.fixture(scope="module")
def world(shared):
    return World(shared)


@pytest.fixture(autouse=True)
def nothing_changed(server, world):
    before = world.state()
    yield
    assert world.state() == before and server.alive()


@pytest.fixture(scope="module")
def table(shared):
    return json.loads(shared.run("op-table").stdout)["services"]


def targets(world, table):
    """(name, method, target, headers) of every operation of S3."""
    for op in next(s for s in table if s["name"] == "s3")["operations"]:
        target = op["path"].replace("{Bucket}", world.bucket).replace("{Key+}", "up" if "uploadId" in op.get("query", "") else "kept")
        query = op.get("query", "").replace("uploadId", f"uploadId={world.upload}").replace("partNumber", "partNumber=1")
        headers = [("x-amz-copy-source", f"{world.other}/kept")] if op.get("header") else []
        yield op["name"], op["method"], target + ("?" + query if query else ""), headers


def denied(answer, *codes):
    assert 400 <= answer.status < 500, (answer.status, answer.body[:500])
    assert not codes or answer.code() in codes or not answer.body, answer.body[:500]


def test_01_unsigned_trailer_with_a_wrong_signature(world):
    def body(_):
        return b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"

    h = [("x-amz-decoded-content-length", "5"), ("x-amz-trailer", "x-amz-checksum-crc32"), ("Content-Encoding", "aws-chunked")]
    for coding in (False, True):
        for target in (f"/{world.bucket}/new", f"/{world.bucket}/up?partNumber=1&uploadId={world.upload}"):
            a = world.ask("PUT", target, h, body, payload=UNSIGNED_TRAILER, chunked=coding, secret="wrong")
            assert (a.status, a.code()) == (403, "SignatureDoesNotMatch")


def bodies(mode):
    if mode in (raw.UNSIGNED, None):
        return [], b"<x/>"
    h = [("x-amz-decoded-content-length", "4")]
    if mode == UNSIGNED_TRAILER:
        return h, lambda s: b"4\r\n<x/>\r\n0\r\n\r\n"
    return h, lambda s: raw.signed_chunks(s, [b"<x/>"], None if "TRAILER" not in mode else "x-amz-checksum-crc32:" + base64.b64encode(
        zlib.crc32(b"<x/>").to_bytes(4, "big")).decode())


def test_02_every_operation_in_every_payload_mode(world, table):
    """From the operation table: an operation that is added is asked too."""
    for name, method, target, headers in targets(world, table):
        for mode in (None, raw.UNSIGNED, CHUNKED, CHUNKED + "-TRAILER", UNSIGNED_TRAILER):
            h, body = bodies(mode)
            if mode and "SIGNED" not in mode and "TRAILER" in mode:
                h = h + [("x-amz-trailer", "x-amz-checksum-crc32")]
            for fault in FAULTS:
                denied(world.ask(method, target, [*headers, *h], body, payload=mode, **fault),
                       "SignatureDoesNotMatch", "InvalidAccessKeyId", "AccessDenied")


def test_03_credentials_in_header_and_query(world, table):
    for _, method, target, headers in targets(world, table):
        url = raw.presigned(world.host, method, target)
        a = world.ask(method, url, headers)
        assert a.status == 400 and a.code() in ("InvalidArgument", ""), (method, url, a.body)


def test_04_every_operation_without_the_secret(server, world, table):
    for service in table:
        for op in service["operations"]:
            for fault in ({"secret": "wrong"}, {"access_key": "AKIANOBODYNOBODYNOBO"}, None):
                if service["protocol"].startswith("json"):
                    prefix, version = rig.JSON_TARGETS[{"stepfunctions": "states"}.get(service["name"], service["name"])]
                    method, target, body = "POST", "/", b"{}"
                    h = {"X-Amz-Target": f"{prefix}.{op['name']}", "Content-Type": f"application/x-amz-json-{version}"}
                elif service["protocol"] == "query":
                    method, target, body = "POST", "/", f"Action={op['name']}&Version=2011-06-15".encode()
                    h = {"Content-Type": "application/x-www-form-urlencoded"}
                else:
                    method, target, body, h = op["method"], re.sub(r"\{[^}]*\}", "kept", op["path"]), b"", {}
                name = {"stepfunctions": "states"}.get(service["name"], service["name"])
                if fault is None:
                    a = rig.http(server.endpoint, method, target, h, body or None)
                else:
                    a = rig.signed(server, name, method, target, body, h, **fault)
                assert a.status == 403, (service["name"], op["name"], fault, a.status, a.body[:300])


def test_05_signed_chunks_to_the_end(world):
    def damage(change):
        return lambda s: change(raw.signed_chunks(s, [b"a" * 100, b"b" * 100]))

    changes = {
        "last data chunk altered": lambda b: b.replace(b"b" * 100, b"b" * 99 + b"c"),
        "last data chunk dropped": lambda b: b[:b.index(b"64;", 10)] + b[b.index(b"\r\n0;") + 2:],
        "0-chunk dropped": lambda b: b[:b.index(b"\r\n0;") + 2],
        "0-chunk's signature": lambda b: b[:-68] + b"f" * 64 + b"\r\n\r\n",
        "chunks swapped": lambda b: b[b.index(b"64;", 10):b.index(b"\r\n0;") + 2] + b[:b.index(b"64;", 10)] + b[b.index(b"\r\n0;") + 2:],
        "chunk twice": lambda b: b[:b.index(b"64;", 10)] * 2 + b[b.index(b"64;", 10):],
        "cut": lambda b: b[:-100], "bytes behind": lambda b: b + b"x",
    }
    for what, change in changes.items():
        for target in (f"/{world.bucket}/new", f"/{world.bucket}/up?partNumber=1&uploadId={world.upload}"):
            a = world.ask("PUT", target, [("x-amz-decoded-content-length", "200")], damage(change), payload=CHUNKED)
            assert 400 <= a.status < 500, (what, a.status)
    for change in (lambda b: b.replace(b"x-amz-trailer-signature:", b"x-amz-trailer-signature:0"), lambda b: b[:b.index(b"x-amz-trailer-sig")] + b"\r\n"):
        a = world.ask("PUT", f"/{world.bucket}/new", [("x-amz-decoded-content-length", "5"), ("x-amz-trailer", "x-amz-checksum-crc32")],
                      lambda s, c=change: c(raw.signed_chunks(s, [b"hello"], "x-amz-checksum-crc32:NhCmhg==")), payload=CHUNKED + "-TRAILER")
        assert 400 <= a.status < 500


def test_06_conditions_of_forms_and_urls(server, world):
    b = world.bucket
    policy = [["starts-with", "$key", "own/"], {"Content-Type": "image/png"}, ["content-length-range", 1, 10]]
    good = forms.sign(b, policy, "own/k", {"Content-Type": "image/png"})
    for change, data in (({"key": "kept"}, b"x"), ({"Content-Type": "text/html"}, b"x"), ({"x-amz-meta-a": "1"}, b"x"), ({}, b""), ({}, b"x" * 11),
                         ({"acl": "public-read-write"}, b"x"), ({"x-amz-security-token": "x"}, b"x")):
        denied(forms.upload(server, b, {**good, **change}, data))
    denied(forms.upload(server, world.other, good, b"x"), "AccessDenied")
    for reserved in ("-", ".", "..", ".sys", "mulgil", "minio", "%2e%2e"):
        denied(forms.post(server, reserved, forms.form(good, b"x"), target="/" + reserved))
    url = server.s3.generate_presigned_url("put_object", {"Bucket": b, "Key": "new", "ContentType": "image/png"})[len(server.endpoint):]
    denied(rig.http(server.endpoint, "PUT", url, {"Content-Type": "text/html"}, b"x"), "SignatureDoesNotMatch")


TRAVERSALS = ["..", ".", "a/../../b", "\\..\\x", "..\\..\\windows", "%2e%2e%2f", "%252e%252e", "/etc/passwd", "//etc//passwd", "../../../../../../tmp/x", "a/./b", "C:\\x", "\u2025/x"]


def files_around(server):
    return sorted(os.listdir(server.folder.name))


def test_08_names_are_no_paths(server, world):
    around, scratch = files_around(server), world.scratch()
    for key in TRAVERSALS:
        quoted = urllib.parse.quote(key.encode(), safe="/-_.~")
        assert rig.signed(server, "s3", "PUT", f"/{scratch}/{quoted}", key.encode()).status == 200
        assert server.s3.get_object(Bucket=scratch, Key=key)["Body"].read() == key.encode()
        assert key in [o["Key"] for o in server.s3.list_objects_v2(Bucket=scratch, Prefix=key).get("Contents", [])]
        denied(rig.signed(server, "s3", "PUT", f"/{world.bucket}/new", headers={"x-amz-copy-source": f"{world.bucket}/{quoted}"}), "NoSuchKey")
        denied(rig.signed(server, "s3", "GET", f"/{world.bucket}/up?uploadId={urllib.parse.quote(key.encode(), safe='')}"), "NoSuchUpload")
    assert server.objects(scratch) == {k: k.encode() for k in TRAVERSALS}
    assert files_around(server) == around and not os.path.exists("/tmp/x")


def test_09_nothing_is_told_to_strangers(server, world):
    """Every route without a signature: no secret, no name of a bucket or key."""
    routes = ["/", "/-/", "/-/health", "/-/metrics", "/-/signals", "/-/env", "/-/debug/pprof", "/minio/health/cluster", "/minio/bootstrap/v1/verify", "/.env", "/metrics",
              "/status", "/debug", "/-/executions", "/-/measurements", "/-/url/x/", "/index.html", "/server-status", "/v1/metrics", f"/{world.bucket}", f"/{world.bucket}/kept"]
    for base in (server.endpoint, server.console):
        for route in routes:
            for method in ("GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE"):
                a = rig.http(base, method, route, body=b"" if method in ("POST", "PUT") else None)
                assert rig.SECRET.encode() not in a.body and BODY not in a.body
                if base == server.endpoint:
                    assert a.status == 200 if route == "/-/health" else 400 <= a.status < 500, (method, route, a.status)


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def test_12_nothing_grows_without_bound(server, world):
    before = open_files(server)
    for what in ("2147483647", "1000000000"):
        a = rig.signed(server, "s3", "GET", f"/{world.bucket}?list-type=2&max-keys={what}")
        assert a.status == 200 and b"<MaxKeys>1000</MaxKeys>" in a.body
    data = raw.request(world.host, "PUT", f"/{world.bucket}/new", body=b"x" * 100000)
    for cut in (10, 300, 5000, 99999):
        for _ in range(20):
            w = raw.Wire(server).send(data[:cut])
            w.close()
    half = [raw.Wire(server).send(b"GET / HT") for _ in range(200)]
    assert rig.signed(server, "s3", "GET", f"/{world.bucket}/kept").body == BODY
    for w in half:
        w.close()
    rig.until("descriptors are given back", lambda: open_files(server) <= before + 16, 30)


def session_key(server):
    f = server.function("def handle(event):\n    return {k: os.environ[k] for k in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN')}")
    rig.until("the function is active", lambda: server.client("lambda").get_function(FunctionName=f)["Configuration"]["State"] == "Active")
    k = json.loads(server.client("lambda").invoke(FunctionName=f, Payload=b"{}")["Payload"].read())
    server.client("lambda").delete_function(FunctionName=f)
    return {"access_key": k["AWS_ACCESS_KEY_ID"], "secret": k["AWS_SECRET_ACCESS_KEY"]}, k["AWS_SESSION_TOKEN"]


def jwt(alg, secret=b""):
    def part(o):
        return base64.urlsafe_b64encode(json.dumps(o).encode()).rstrip(b"=").decode()

    text = part({"alg": alg, "typ": "JWT"}) + "." + part({"accessKey": rig.ACCESS_KEY, "sub": "root", "exp": 4102444800})
    sig = raw.hmac.digest(secret, text.encode(), "sha256") if secret else b""
    return text + "." + base64.urlsafe_b64encode(sig).rstrip(b"=").decode()


def test_13_tokens_of_others(server, world):
    key, token = session_key(server)
    target = f"/{world.bucket}/kept"
    assert world.ask("GET", target, [("x-amz-security-token", token)], **key).body == BODY
    forged = [jwt("none"), jwt("HS256", rig.SECRET.encode()), jwt("HS256", key["secret"].encode()), jwt("RS256", b"x"), "", token[:-1], token + "x", token.swapcase(), "null", "A" * 4000]
    for t in forged:
        denied(world.ask("GET", target, [("x-amz-security-token", t)], **key), "InvalidToken")
    denied(world.ask("GET", target, **key), "InvalidToken")
    for t in (token, jwt("none"), jwt("HS256", rig.SECRET.encode())):
        denied(world.ask("GET", target, [("x-amz-security-token", t)]), "InvalidToken")
        denied(world.ask("GET", raw.presigned(world.host, "GET", target, more=(("X-Amz-Security-Token", t),)), sign=False))


def answer_without_ids(a):
    body = re.sub(rb"<(RequestId|HostId|SignatureProvided|StringToSign|CanonicalRequest|Resource)>[^<]*</", b"", a.body)
    return a.status, body, {k for k in a.headers if k != "date"}


def test_14_refusals_tell_nothing(world):
    """Whether an object is there cannot be told from a refused request, conditions or not."""
    etag = f'"{hashlib.md5(BODY).hexdigest()}"'
    for method in ("GET", "HEAD", "DELETE"):
        for h in ([], [("If-None-Match", etag)], [("If-Match", etag)], [("If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT")], [("Range", "bytes=0-3")]):
            for fault in FAULTS:
                answers = [world.ask(method, f"/{b}/{k}", h, **fault) for b, k in ((world.bucket, "kept"), (world.bucket, "absent"), (rig.name("none"), "k"))]
                assert len({repr(answer_without_ids(a)) for a in answers}) == 1
                assert answers[0].status == 403 and "etag" not in answers[0].headers


INTERNAL = ["x-minio-internal-server-side-encryption-sealed-key", "x-minio-source-mtime", "x-rustfs-internal-actual-size", "x-mulgil-ref", "x-mulgil-internal-size", "x-amz-replication-status",
            "x-amz-meta-x-amz-replication-status", "x-amz-bucket-replication-status", "x-amz-meta-x-minio-internal-encrypted", "x-amz-meta-mulgil-ref", "x-rgw-object-type",
            "x-amz-version-id", "x-amz-delete-marker", "x-amz-restore", "x-amz-expiration", "x-amz-request-id", "x-amz-server-side-encryption-sealed", "x-amz-mp-parts-count"]


def test_15_internal_names_as_headers(server, world):
    scratch = world.scratch()
    plain = rig.signed(server, "s3", "PUT", f"/{scratch}/plain", b"hello")
    assert plain.status == 200
    usual = set(rig.signed(server, "s3", "HEAD", f"/{scratch}/plain").headers)
    for i, header in enumerate(INTERNAL):
        a = rig.signed(server, "s3", "PUT", f"/{scratch}/{i}", b"hello", {header: "COMPLETED"})
        if header.startswith("x-amz-") and not header.startswith("x-amz-meta-"):
            assert (a.status, a.code()) == (501, "NotImplemented"), header
            continue
        assert a.status == 200
        got = rig.signed(server, "s3", "GET", f"/{scratch}/{i}")
        assert got.body == b"hello"
        assert set(got.headers) - usual == ({header} if header.startswith("x-amz-meta-") else set()), header


def listening(server):
    """Ports that the process itself listens on."""
    inodes = set()
    for fd in os.listdir(f"/proc/{server.process.pid}/fd"):
        try:
            m = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{server.process.pid}/fd/{fd}"))
        except OSError:
            continue
        inodes.update(m.groups() if m else ())
    ports = set()
    with open(f"/proc/{server.process.pid}/net/tcp", encoding="ascii") as f:
        for line in list(f)[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in inodes:
                ports.add((words[1].split(":")[0], int(words[1].split(":")[1], 16)))
    return ports


def test_16_21_every_listener(server, world):
    """All ports of the process are on loopback, and none of them does anything for a stranger."""
    ports = listening(server)
    assert len(ports) >= 2
    for address, port in ports:
        assert address == "0100007F"
        base = f"http://127.0.0.1:{port}"
        for method, target in (("GET", f"/{world.bucket}/kept"), ("PUT", f"/{world.bucket}/new"), ("DELETE", f"/{world.bucket}/kept"), ("GET", "/2018-06-01/runtime/invocation/next"),
                               ("POST", "/2018-06-01/runtime/invocation/x/response"), ("POST", "/?Action=CreateUser"), ("GET", "/-/measurements")):
            try:
                a = rig.http(base, method, target, body=b"" if method != "GET" else None, timeout=10)
            except OSError:
                continue
            assert BODY not in a.body and (a.status >= 400 or b"<!doctype html" in a.body[:100].lower()), (base, method, target, a.status, a.body[:200])


def test_17_every_header_in_odd_forms(server, world, table):
    known = {f["at"] for o in next(s for s in table if s["name"] == "s3")["operations"] for f in o["input"] if f["in"] == "header"}
    known |= {"Authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-trailer", "x-amz-decoded-content-length", "Host", "Origin", "Expect",
              "x-amz-copy-source", "X-Amz-Target", "Access-Control-Request-Method", "Connection", "Date"}
    with raw.Wire(server) as w:
        for header in sorted(known):
            for value in ("", " ", "x" * 7000, "\xff\xfe\x80", "-1", "%00", "<x>&", "9" * 400, ",,,,;;==", "bytes=-"):
                for method, target in (("GET", f"/{world.bucket}/kept"), ("PUT", f"/{world.bucket}/kept?tagging")):
                    if header.lower() == "content-length":
                        continue
                    try:
                        a = w.ask(raw.request(world.host, method, target, [(header, value)], payload=None))
                    except raw.Gone:
                        w.close()
                        continue
                    assert a.status < 500 or a.status == 501, (header, value[:20], a.status, a.body[:300])


def test_18_no_line_of_a_client_in_our_head(server, world):
    scratch = world.scratch()
    for bad in ("a\r\nSet-Cookie: x=1", "a\nSet-Cookie: x=1", "a\rSet-Cookie: x=1"):
        quoted = urllib.parse.quote(bad, safe="")
        for what in ("content-type", "content-disposition", "cache-control", "content-language", "content-encoding"):
            a = rig.signed(server, "s3", "GET", f"/{world.bucket}/kept?response-{what}={quoted}")
            assert a.status == 400 and "set-cookie" not in a.headers
        with raw.Wire(server) as w:
            data = raw.request(world.host, "PUT", f"/{scratch}/k", [("x-amz-meta-a", "VALUE")], b"x")
            try:
                a = w.ask(data.replace(b"VALUE", bad.encode()))
                assert a.status in (400, 403)
            except raw.Gone:
                pass
        code, _, _ = rig.error(server.s3.put_bucket_cors, Bucket=scratch, CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": [bad]}]})
        assert code in ("InvalidRequest", "MalformedXML")
        fields = forms.sign(scratch, [forms.KEY, ["starts-with", "$success_action_redirect", ""]], "k", {"success_action_redirect": "http://x/" + bad})
        assert "set-cookie" not in forms.upload(server, scratch, fields).headers
    page = "<script>alert(1)</script>\"'&"
    a = rig.signed(server, "s3", "GET", f"/{scratch}/" + urllib.parse.quote(page))
    assert a.status == 404 and a.headers["content-type"] == "application/xml" and b"<script>" not in a.body
    server.s3.put_object(Bucket=scratch, Key=page, Body=b"x")
    a = rig.signed(server, "s3", "GET", f"/{scratch}?list-type=2")
    assert b"<script>" not in a.body and b"&lt;script&gt;" in a.body


def test_19_no_secret_in_the_log(server, world):
    at, (key, token) = server.log_size(), session_key(server)
    for how in ({"secret": "canary-of-a-secret-0123456789"}, {**key, "access_key": "AKIANOBODY"}):
        world.ask("GET", f"/{world.bucket}/kept", [("x-amz-security-token", token)], **how)
    world.ask("GET", raw.presigned(world.host, "GET", f"/{world.bucket}/kept"), sign=False)
    sse = base64.b64encode(b"canary-of-an-sse-customer-key-32").decode()
    world.ask("GET", f"/{world.bucket}/kept", [("x-amz-server-side-encryption-customer-key", sse)])
    log = server.log(at)
    for canary in (rig.SECRET, key["secret"], token, "canary-of-a-secret", sse):
        assert canary not in log


ODD = ["';DROP TABLE s3_object;--", '"', "'", "a' OR '1'='1", "%", "_", "\\", "/*", "--", "a%_b", "NULL", "\u0001", "?1", ":a", "@a", "$1"]


def test_20_texts_are_not_sql(server, world):
    scratch = world.scratch()
    for t in ODD:
        server.s3.put_object(Bucket=scratch, Key=t, Body=t.encode(), Metadata={"m": "'; --"}, Tagging=urllib.parse.urlencode({"k": t.replace("\u0001", "")}))
    for t in ODD:
        assert server.s3.get_object(Bucket=scratch, Key=t)["Body"].read() == t.encode()
        assert server.s3.get_object_tagging(Bucket=scratch, Key=t)["TagSet"] == [{"Key": "k", "Value": t.replace("\u0001", "")}]
        got = [o["Key"] for o in server.s3.list_objects_v2(Bucket=scratch, Prefix=t, EncodingType="url").get("Contents", [])]
        assert sorted(map(urllib.parse.unquote, got)) == sorted(k for k in ODD if k.startswith(t))
        assert rig.error(server.glue.get_table, DatabaseName=t, Name=t)[1] == 400
        assert rig.error(server.events.describe_rule, Name=t)[1] == 400
    assert len(server.objects(scratch)) == len(ODD)


def test_22_bytes_that_are_no_request(server, world):
    rnd = random.Random(22)
    first = [b"5;chunk-signature=" + b"0" * 64 + b"\r\nhello\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"\0" * 64, b"\r\n" * 100, b"SSH-2.0-x\r\n", b"USER x\r\nPASS y\r\n",
             *(bytes(rnd.randrange(256) for _ in range(rnd.randrange(1, 400))) for _ in range(100))]
    for data in first:
        w = raw.Wire(server).send(data + b"\r\n\r\n")
        try:
            w.shut()
            assert w.answer().status >= 400
        except (raw.Gone, OSError, ValueError, IndexError):
            pass
        w.close()
    assert rig.signed(server, "s3", "GET", f"/{world.bucket}/kept").body == BODY


def test_23_forwarding_headers_mean_nothing(server, world):
    """The address in the log is the connection's."""
    at = server.log_size()
    spoof = {"X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.7", "Forwarded": "for=203.0.113.7", "X-Forwarded-Host": "203.0.113.7", "CF-Connecting-IP": "203.0.113.7"}
    assert rig.signed(server, "s3", "GET", f"/{world.bucket}/kept", headers=spoof).body == BODY
    rig.until("the request's line", lambda: "s3:GetObject" in server.log(at))
    assert "203.0.113.7" not in server.log(at)


def test_25_every_install_has_its_own_key(make_server, world):
    found = []
    for _ in range(2):
        s = make_server()
        env = rig.environment()
        for k in ("MULGIL_ROOT_ACCESS_KEY_ID", "MULGIL_ROOT_SECRET_ACCESS_KEY"):
            env.pop(k)
        p = rig.subprocess.Popen([rig.MULGIL, "serve", "--data", s.data, "--api", "127.0.0.1:0", "--console", "off"], env=env,
                                 stdout=rig.subprocess.DEVNULL, stderr=rig.subprocess.DEVNULL)
        file = os.path.join(s.data, "root-key.json")
        rig.until("root-key.json", lambda f=file: os.path.exists(f) and os.path.getsize(f), 30)
        rig.until("the server is up", lambda d=s.data: os.path.exists(os.path.join(d, "endpoint.json")), 30)
        assert os.stat(file).st_mode & 0o777 == 0o600
        with open(file, encoding="utf-8") as f:
            found.append(f.read())
        p.terminate()
        p.wait(30 * rig.SLOW)
    assert found[0] != found[1]


def test_26_no_file_through_xml(server, world, tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("canary-of-a-file")
    seen = b""
    for method, target, doc in (("PUT", f"/{world.bucket}/kept?tagging", b"<Tagging><TagSet><Tag><Key>k</Key><Value>&e;</Value></Tag></TagSet></Tagging>"),
                                ("POST", f"/{world.bucket}?delete", b"<Delete><Object><Key>&e;</Key></Object></Delete>"),
                                ("POST", f"/{world.bucket}/up?uploadId={world.upload}", b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&e;</ETag></Part></CompleteMultipartUpload>"),
                                ("PUT", "/" + rig.name("b"), b"<CreateBucketConfiguration><LocationConstraint>&e;</LocationConstraint></CreateBucketConfiguration>"),
                                ("PUT", f"/{world.bucket}?cors", b"<CORSConfiguration><CORSRule><AllowedMethod>&e;</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>")):
        for kind in (f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{canary}">]>', f'<!DOCTYPE x [<!ENTITY % p SYSTEM "file://{canary}"> %p;]>',
                     f'<!DOCTYPE x SYSTEM "file://{canary}">', f'<?xml version="1.0"?><!DOCTYPE x PUBLIC "a" "file://{canary}">'):
            a = rig.signed(server, "s3", method, target, kind.encode() + doc)
            assert (a.status, a.code()) == (400, "MalformedXML")
            seen += a.body
    assert b"canary-of-a-file" not in seen


def test_27_no_shell(server, world, tmp_path):
    """Names, handlers and environments of functions are only texts."""
    mark = tmp_path / "mark"
    bad = [f"$(touch {mark})", f"`touch {mark}`", f"; touch {mark}", f"| touch {mark}", f"&& touch {mark}", "\n"]
    for t in bad:
        assert rig.error(server.client("lambda", validate=False).create_function, FunctionName=t, Role=rig.ROLE, Runtime="provided.al2023", Handler="h",
                         Code={"ZipFile": rig.package("handle = str")})[1] == 400, t
    f = server.function("def handle(event):\n    return os.environ['A']", Environment={"Variables": {"A": bad[0], "B": bad[1]}})
    rig.until("the function is active", lambda: server.client("lambda").get_function(FunctionName=f)["Configuration"]["State"] == "Active")
    assert json.loads(server.client("lambda").invoke(FunctionName=f, Payload=b"{}")["Payload"].read()) == bad[0]
    server.client("lambda").delete_function(FunctionName=f)
    assert not mark.exists()


def test_headers_of_a_socket_in_pieces(server, world):
    """Not an advisory's: the same request byte by byte is the same request."""
    data = raw.request(world.host, "GET", f"/{world.bucket}/kept")
    with raw.Wire(server) as w:
        w.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            w.sock.sendall(data[i:i + 1])
        assert w.answer().body == BODY
