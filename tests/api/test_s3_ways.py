# SPDX-License-Identifier: Apache-2.0
"""The ways in which a request may come: by path or by host, signed in a header or in the URL, its body in any coding."""
import base64
import json
import urllib.parse
import zlib

import pytest

import raw
import rig

BODY = b"hello"
CHUNKED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
CRC = "x-amz-checksum-crc32:" + base64.b64encode(zlib.crc32(BODY).to_bytes(4, "big")).decode()


@pytest.fixture(scope="module")
def token(shared):
    """A temporary key, as functions get it."""
    code = "def handle(event):\n    return {k: os.environ[k] for k in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN')}"
    f = shared.function(code)
    rig.until("the function is active", lambda: shared.client("lambda").get_function(FunctionName=f)["Configuration"]["State"] == "Active")
    return json.loads(shared.client("lambda").invoke(FunctionName=f, Payload=b"{}")["Payload"].read())


def presigned_operations(s3, bucket):
    """(operation, its parameters, body, status) in an order in which each goes through."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="up")["UploadId"]
    other = s3.create_multipart_upload(Bucket=bucket, Key="other")["UploadId"]
    k = {"Bucket": bucket, "Key": "a b/\u00e4+"}
    tags = b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
    return [
        ("put_object", k, BODY, 200), ("get_object", k, None, 200), ("head_object", k, None, 200),
        ("get_object", {**k, "ResponseContentType": "text/x", "ResponseContentDisposition": "attachment; filename=\"x\""}, None, 200),
        ("copy_object", {**k, "Key": "copy", "CopySource": {"Bucket": bucket, "Key": k["Key"]}}, b"", 200),
        ("put_object_tagging", k, tags, 200), ("get_object_tagging", k, None, 200), ("delete_object_tagging", k, None, 204),
        ("upload_part", {"Bucket": bucket, "Key": "up", "UploadId": upload, "PartNumber": 1}, BODY, 200),
        ("list_parts", {"Bucket": bucket, "Key": "up", "UploadId": upload}, None, 200), ("list_multipart_uploads", {"Bucket": bucket}, None, 200),
        ("complete_multipart_upload", {"Bucket": bucket, "Key": "up", "UploadId": upload},
         f'<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{raw.hashlib.md5(BODY).hexdigest()}</ETag></Part></CompleteMultipartUpload>'.encode(), 200),
        ("abort_multipart_upload", {"Bucket": bucket, "Key": "other", "UploadId": other}, None, 204),
        ("list_objects_v2", {"Bucket": bucket, "Prefix": "a b", "Delimiter": "/"}, None, 200), ("list_object_versions", {"Bucket": bucket}, None, 200),
        ("head_bucket", {"Bucket": bucket}, None, 200), ("get_bucket_location", {"Bucket": bucket}, None, 200), ("list_buckets", {}, None, 200),
        ("delete_objects", {"Bucket": bucket}, b"<Delete><Object><Key>copy</Key></Object></Delete>", 200),
        ("delete_object", k, None, 204),
    ]


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("who", ["root", "session"])
def test_everything_presigned(server, token, style, who):
    bucket, port = server.bucket(), server.endpoint.rpartition(":")[2]
    key = (rig.ACCESS_KEY, rig.SECRET, None) if who == "root" else (token["AWS_ACCESS_KEY_ID"], token["AWS_SECRET_ACCESS_KEY"], token["AWS_SESSION_TOKEN"])
    s3 = rig.boto3.session.Session(*key, region_name=rig.REGION).client("s3", endpoint_url=f"http://localhost:{port}", config=rig.botocore.config.Config(
        signature_version="s3v4", s3={"addressing_style": style}, parameter_validation=False))  # documents come with the request
    for operation, params, body, status in presigned_operations(server.s3, bucket):
        url = s3.generate_presigned_url(operation, params)
        method = {"g": "GET", "l": "GET", "h": "HEAD", "p": "PUT", "u": "PUT", "c": "PUT", "d": "DELETE", "a": "DELETE"}[operation[0]]
        method = "POST" if operation in ("complete_multipart_upload", "delete_objects") else method
        at = urllib.parse.urlsplit(url)
        by_host = style == "virtual" and "Bucket" in params and operation != "get_bucket_location"  # which botocore asks by path
        assert at.netloc == (f"{bucket}.localhost:{port}" if by_host else f"localhost:{port}"), operation
        headers = {"Host": at.netloc}
        if operation == "copy_object":  # a header that the URL signs
            headers["x-amz-copy-source"] = f"{bucket}/" + urllib.parse.quote("a b/\u00e4+")
        answer = rig.http(server.endpoint, method, at.path + "?" + at.query, headers, body)
        assert answer.status == status, (operation, answer.status, answer.body[:600])
        if "ResponseContentType" in params:
            assert (answer.headers["Content-Type"], answer.headers["Content-Disposition"]) == ("text/x", 'attachment; filename="x"')
        changed = rig.http(server.endpoint, method, at.path + "?" + at.query.replace("X-Amz-Expires=3600", "X-Amz-Expires=3601"), headers, body)
        assert changed.status == 403, (operation, changed.body)
    assert set(server.objects(bucket)) == {"up"}


def test_overrides_are_for_signed_requests(server):
    b = server.bucket()
    server.s3.put_object(Bucket=b, Key="k", Body=BODY)
    answer = rig.http(server.endpoint, "GET", f"/{b}/k?response-content-type=text/html")
    assert (answer.status, answer.code()) == (403, "AccessDenied")
    assert rig.signed(server, "s3", "GET", f"/{b}/k?response-content-type=text%2Fx&response-cache-control=no-store").headers["Cache-Control"] == "no-store"


def test_virtual_hosts(server):
    b, port = server.bucket(), server.endpoint.rpartition(":")[2]
    for host in (f"{b}.localhost:{port}", f"{b}.s3.ap-northeast-2.amazonaws.com", f"{b}.s3.local", f"{b.upper()}.LOCALHOST".replace(b.upper(), b)):
        with raw.Wire(server) as w:
            assert w.ask(raw.request(host, "PUT", "/k/x", body=BODY)).status == 200
            assert w.ask(raw.request(host, "GET", "/k/x")).body == BODY
            assert b"<Name>" + b.encode() in w.ask(raw.request(host, "GET", "/?list-type=2")).body
            assert w.ask(raw.request(host, "DELETE", "/k/x")).status == 204


@pytest.mark.parametrize("size", [5, 300_000])
def test_expect(server, size):
    """100 is said before the body comes when it is wanted; a long one is not asked for when the request is refused."""
    b, body = server.bucket(), b"x" * size
    for secret, status in ((rig.SECRET, 200), ("wrong", 403)):
        with raw.Wire(server) as w:
            data = raw.request(w.host, "PUT", f"/{b}/k", [("Expect", "100-continue")], body, secret=secret)
            head = data.index(b"\r\n\r\n") + 4
            w.send(data[:head])
            first = w._until(b"\r\n\r\n")
            if status == 200 or size < 262_144:
                assert first == b"HTTP/1.1 100 Continue"
                assert w.ask(data[head:]).status == status
            else:
                assert first.startswith(b"HTTP/1.1 403 ")
    assert server.objects(b) == {"k": body}


@pytest.mark.parametrize("coding", [False, True], ids=["by length", "in HTTP's chunks"])
@pytest.mark.parametrize("mode", [CHUNKED, CHUNKED + "-TRAILER", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", raw.UNSIGNED, "sha256"])
def test_codings_of_a_body(server, mode, coding):
    b = server.bucket()
    trailer = CRC if "TRAILER" in mode else None

    def make(s):
        if mode == "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
            return b"2\r\nhe\r\n3\r\nllo\r\n0\r\n" + CRC.encode() + b"\r\n\r\n"
        return raw.signed_chunks(s, [b"he", b"llo"], trailer)

    streamed = mode.startswith("STREAMING")
    h = [("x-amz-decoded-content-length", "5"), ("Content-Encoding", "aws-chunked,gzip")] if streamed else [("Content-Encoding", "gzip")]
    h += [("x-amz-trailer", "x-amz-checksum-crc32")] if trailer else []
    with raw.Wire(server) as w:
        a = w.ask(raw.request(w.host, "PUT", f"/{b}/k", h, make if streamed else BODY, payload=None if mode == "sha256" else mode, chunked=coding))
        assert a.status == 200, a.body
        assert a.headers.get("x-amz-checksum-crc32") == (CRC.partition(":")[2] if trailer else None)
    got = server.s3.get_object(Bucket=b, Key="k")
    assert got["Body"].read() == BODY and "gzip" in got["ContentEncoding"]
