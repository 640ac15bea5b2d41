# SPDX-License-Identifier: Apache-2.0
"""S3 through boto3."""
import base64
import datetime
import hashlib
import json
import urllib.parse
import zlib

import pytest

import rig

MIB = 1 << 20


@pytest.fixture(scope="module")
def bucket(shared):
    return shared.bucket()


def md5(data):
    return hashlib.md5(data).hexdigest()


def b64(data):
    return base64.b64encode(data).decode()


def read(server, bucket, key, **more):
    return server.s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def test_buckets(server):
    b = server.bucket()
    assert b in [x["Name"] for x in server.s3.list_buckets()["Buckets"]]
    server.s3.head_bucket(Bucket=b)
    assert rig.error(server.s3.create_bucket, Bucket=b, CreateBucketConfiguration={
        "LocationConstraint": rig.REGION})[:2] == ("BucketAlreadyOwnedByYou", 409)
    server.s3.put_object(Bucket=b, Key="k", Body=b"")
    assert rig.error(server.s3.delete_bucket, Bucket=b)[:2] == ("BucketNotEmpty", 409)
    server.s3.delete_object(Bucket=b, Key="k")
    server.s3.delete_bucket(Bucket=b)
    assert rig.error(server.s3.head_bucket, Bucket=b)[:2] == ("404", 404)
    assert rig.error(server.s3.list_objects_v2, Bucket=b)[:2] == ("NoSuchBucket", 404)
    assert rig.error(server.s3.put_object, Bucket=b, Key="k", Body=b"")[:2] == ("NoSuchBucket", 404)


def test_wrong_bucket_name(server):
    for b in ("A" * 5, "a..b", "192.168.0.1", "ab"):
        answer = rig.signed(server, "s3", "PUT", f"/{b}")
        assert (answer.code(), answer.status) == ("InvalidBucketName", 400), b


@pytest.mark.parametrize("size", [0, 1, 1000, 200_000, 3 * MIB + 7])
def test_put_get(server, bucket, size):
    data = bytes(i * 7 % 251 for i in range(min(size, 5021))) * (size // 5021 + 1)
    data = data[:size]
    put = server.s3.put_object(Bucket=bucket, Key=f"put/{size}", Body=data, ContentType="text/x-test", CacheControl="no-cache",
                               Metadata={"person": "p-1", "note": "a b"})
    got = server.s3.get_object(Bucket=bucket, Key=f"put/{size}")
    assert got["Body"].read() == data
    assert put["ETag"] == got["ETag"] == f'"{md5(data)}"'
    assert (got["ContentType"], got["CacheControl"], got["ContentLength"]) == ("text/x-test", "no-cache", size)
    assert got["Metadata"] == {"person": "p-1", "note": "a b"}
    head = server.s3.head_object(Bucket=bucket, Key=f"put/{size}")
    assert (head["ContentLength"], head["ETag"], head["Metadata"]) == (size, got["ETag"], got["Metadata"])
    assert datetime.datetime.now(datetime.timezone.utc) - head["LastModified"] < datetime.timedelta(minutes=10)


def test_absent(server, bucket):
    assert rig.error(server.s3.get_object, Bucket=bucket, Key="absent")[:2] == ("NoSuchKey", 404)
    assert rig.error(server.s3.head_object, Bucket=bucket, Key="absent")[:2] == ("404", 404)
    assert server.s3.delete_object(Bucket=bucket, Key="absent")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_overwrite_and_delete(server, bucket):
    for data in (b"first", b"second"):
        server.s3.put_object(Bucket=bucket, Key="again", Body=data)
    assert read(server, bucket, "again") == b"second"
    server.s3.delete_object(Bucket=bucket, Key="again")
    assert rig.error(server.s3.get_object, Bucket=bucket, Key="again")[0] == "NoSuchKey"


@pytest.mark.parametrize("what, first, last", [
    ("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19), ("bytes=90-", 90, 99), ("bytes=-5", 95, 99), ("bytes=50-1000", 50, 99)])
def test_range(server, bucket, what, first, last):
    data = bytes(range(100))
    server.s3.put_object(Bucket=bucket, Key="range", Body=data)
    got = server.s3.get_object(Bucket=bucket, Key="range", Range=what)
    assert got["Body"].read() == data[first:last + 1]
    assert got["ContentRange"] == f"bytes {first}-{last}/100"
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_range_outside(server, bucket):
    server.s3.put_object(Bucket=bucket, Key="range", Body=bytes(100))
    assert rig.error(server.s3.get_object, Bucket=bucket, Key="range", Range="bytes=100-")[:2] == ("InvalidRange", 416)


def test_range_across_blocks(server, bucket):
    data = b"".join(i.to_bytes(4, "big") for i in range(MIB // 2))
    server.s3.put_object(Bucket=bucket, Key="large", Body=data)
    for first in (65535, 131071, MIB - 1):
        assert read(server, bucket, "large", Range=f"bytes={first}-{first + 70000}") == data[first:first + 70001]


def test_conditions(server, bucket):
    etag = server.s3.put_object(Bucket=bucket, Key="cond", Body=b"x")["ETag"]
    then = server.s3.head_object(Bucket=bucket, Key="cond")["LastModified"]
    hour = datetime.timedelta(hours=1)
    assert read(server, bucket, "cond", IfMatch=etag) == b"x"
    assert rig.error(server.s3.get_object, Bucket=bucket, Key="cond", IfMatch='"0"')[:2] == ("PreconditionFailed", 412)
    assert rig.error(server.s3.get_object, Bucket=bucket, Key="cond", IfNoneMatch=etag)[:2] == ("304", 304)
    assert read(server, bucket, "cond", IfNoneMatch='"0"') == b"x"
    assert rig.error(server.s3.get_object, Bucket=bucket, Key="cond", IfModifiedSince=then)[:2] == ("304", 304)
    assert read(server, bucket, "cond", IfModifiedSince=then - hour) == b"x"
    assert rig.error(server.s3.get_object, Bucket=bucket, Key="cond",
                     IfUnmodifiedSince=then - hour)[:2] == ("PreconditionFailed", 412)


def test_put_only_if_absent(server, bucket):
    target = f"/{bucket}/once"
    assert rig.signed(server, "s3", "PUT", target, b"1", {"If-None-Match": "*"}).status == 200
    answer = rig.signed(server, "s3", "PUT", target, b"2", {"If-None-Match": "*"})
    assert (answer.code(), answer.status) == ("PreconditionFailed", 412)
    assert read(server, bucket, "once") == b"1"
    answer = rig.signed(server, "s3", "PUT", target, b"3", {"If-Match": '"0"'})
    assert (answer.code(), answer.status) == ("PreconditionFailed", 412)
    assert rig.signed(server, "s3", "PUT", target, b"4", {"If-Match": f'"{md5(b"1")}"'}).status == 200
    assert read(server, bucket, "once") == b"4"


def test_put_unless_it_is_this(server, bucket):
    s3, put = server.s3, lambda etag: rig.signed(server, "s3", "PUT", f"/{bucket}/unless", b"new", {"If-None-Match": etag})
    old = s3.put_object(Bucket=bucket, Key="unless", Body=b"old")["ETag"]
    for etag in (old, old.strip('"'), f'"0", {old}'):
        answer = put(etag)
        assert (answer.code(), answer.status) == ("PreconditionFailed", 412), etag
    assert read(server, bucket, "unless") == b"old"
    assert put('"0"').status == 200 and read(server, bucket, "unless") == b"new"
    assert put(old).status == 200
    s3.delete_object(Bucket=bucket, Key="unless")
    assert put(f'"{md5(b"new")}"').status == 200


def test_content_md5(server, bucket):
    server.s3.put_object(Bucket=bucket, Key="md5", Body=b"x", ContentMD5=b64(hashlib.md5(b"x").digest()))
    assert rig.error(server.s3.put_object, Bucket=bucket, Key="md5", Body=b"x",
                     ContentMD5=b64(hashlib.md5(b"y").digest()))[:2] == ("BadDigest", 400)
    assert rig.error(server.s3.put_object, Bucket=bucket, Key="md5", Body=b"x", ContentMD5="short")[:2] == ("InvalidDigest", 400)


CHECKSUMS = [("CRC32", b64(zlib.crc32(b"123456789").to_bytes(4, "big"))), ("CRC32C", b64(0xE3069283.to_bytes(4, "big"))),
             ("SHA256", b64(hashlib.sha256(b"123456789").digest())), ("CRC64NVME", b64(0xAE8B14860A799888.to_bytes(8, "big"))),
             ("SHA1", b64(hashlib.sha1(b"123456789").digest())), ("SHA512", b64(hashlib.sha512(b"123456789").digest())),
             ("MD5", b64(hashlib.md5(b"123456789").digest())), ("XXHASH64", b64(bytes.fromhex("8cb841db40e6ae83"))),
             ("XXHASH3", b64(bytes.fromhex("72dcb18b67a17dff"))), ("XXHASH128", b64(bytes.fromhex("33119477ede5dcd5e9716427681d5860")))]


@pytest.mark.parametrize("algorithm, right", CHECKSUMS)
def test_checksum(server, bucket, algorithm, right):
    header = "x-amz-checksum-" + algorithm.lower()
    target = f"/{bucket}/sum-{algorithm}"
    put = rig.signed(server, "s3", "PUT", target, b"123456789", {header: right})
    assert put.status == 200 and put.headers[header] == right, put.body
    got = rig.signed(server, "s3", "GET", target, headers={"x-amz-checksum-mode": "ENABLED"})
    assert got.headers[header] == right
    bad = rig.signed(server, "s3", "PUT", target, b"123456780", {header: right})
    assert (bad.code(), bad.status) == ("BadDigest", 400)
    assert read(server, bucket, f"sum-{algorithm}") == b"123456789"


@pytest.mark.parametrize("algorithm, right", CHECKSUMS)
def test_checksum_in_a_trailer(server, bucket, algorithm, right):
    """What today's SDKs send by default: aws-chunked, unsigned, with a checksum behind it."""
    header = "x-amz-checksum-" + algorithm.lower()

    def body(crc):
        return f"9\r\n123456789\r\n0\r\n{header}:{crc}\r\n\r\n".encode()

    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "content-encoding": "aws-chunked",
               "x-amz-decoded-content-length": "9", "x-amz-trailer": header}
    for crc, status in ((right, 200), (b64(bytes(len(base64.b64decode(right)))), 400)):
        class Auth(rig.botocore.auth.S3SigV4Auth):
            def payload(self, request):
                return headers["x-amz-content-sha256"]

        req = rig.botocore.awsrequest.AWSRequest("PUT", f"{server.endpoint}/{bucket}/trailer", dict(headers), body(crc))
        Auth(rig.botocore.credentials.Credentials(rig.ACCESS_KEY, rig.SECRET), "s3", rig.REGION).add_auth(req)
        answer = rig.http(server.endpoint, "PUT", f"/{bucket}/trailer", {**dict(req.headers.items()), **headers}, body(crc))
        assert answer.status == status, answer.body
    assert read(server, bucket, "trailer") == b"123456789"


def test_tagging(server, bucket):
    tags = [{"Key": "person", "Value": "p 1"}, {"Key": "x", "Value": ""}]
    server.s3.put_object(Bucket=bucket, Key="tags", Body=b"x", Tagging="a=1&b=%C3%A4")
    assert server.s3.get_object_tagging(Bucket=bucket, Key="tags")["TagSet"] == [
        {"Key": "a", "Value": "1"}, {"Key": "b", "Value": "\u00e4"}]
    assert server.s3.get_object(Bucket=bucket, Key="tags")["TagCount"] == 2
    server.s3.put_object_tagging(Bucket=bucket, Key="tags", Tagging={"TagSet": tags})
    assert server.s3.get_object_tagging(Bucket=bucket, Key="tags")["TagSet"] == tags
    eleven = [{"Key": f"k{i}", "Value": ""} for i in range(11)]
    assert rig.error(server.s3.put_object_tagging, Bucket=bucket, Key="tags", Tagging={"TagSet": eleven})[1] == 400
    assert rig.error(server.s3.put_object_tagging, Bucket=bucket, Key="tags", Tagging={"TagSet": [
        {"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]})[:2] == ("InvalidTag", 400)
    assert server.s3.get_object_tagging(Bucket=bucket, Key="tags")["TagSet"] == tags


def test_copy(server, bucket):
    other = server.bucket()
    server.s3.put_object(Bucket=bucket, Key="from \u00e4+", Body=b"copied", ContentType="text/x-a", Metadata={"m": "1"}, Tagging="t=1")
    made = server.s3.copy_object(Bucket=other, Key="to", CopySource={"Bucket": bucket, "Key": "from \u00e4+"})
    assert made["CopyObjectResult"]["ETag"] == f'"{md5(b"copied")}"'
    got = server.s3.get_object(Bucket=other, Key="to")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"copied", "text/x-a", {"m": "1"})
    assert server.s3.get_object_tagging(Bucket=other, Key="to")["TagSet"] == [{"Key": "t", "Value": "1"}]
    server.s3.copy_object(Bucket=other, Key="to", CopySource={"Bucket": other, "Key": "to"}, MetadataDirective="REPLACE",
                          Metadata={"n": "2"})
    assert server.s3.head_object(Bucket=other, Key="to")["Metadata"] == {"n": "2"}
    assert rig.error(server.s3.copy_object, Bucket=other, Key="x",
                     CopySource={"Bucket": bucket, "Key": "absent"})[:2] == ("NoSuchKey", 404)
    assert rig.error(server.s3.copy_object, Bucket=other, Key="x", CopySource={"Bucket": other, "Key": "to"},
                     CopySourceIfMatch='"0"')[:2] == ("PreconditionFailed", 412)


def test_multipart(server, bucket):
    parts = [bytes([i]) * (5 * MIB) for i in (1, 2)] + [b"last"]
    upload = server.s3.create_multipart_upload(Bucket=bucket, Key="multi", ContentType="video/mp4", Metadata={"m": "1"})["UploadId"]
    etags = [server.s3.upload_part(Bucket=bucket, Key="multi", UploadId=upload, PartNumber=i + 1, Body=p)["ETag"]
             for i, p in enumerate(parts)]
    assert etags == [f'"{md5(p)}"' for p in parts]
    listed = server.s3.list_parts(Bucket=bucket, Key="multi", UploadId=upload, MaxParts=2)
    assert ([p["PartNumber"] for p in listed["Parts"]], listed["IsTruncated"]) == ([1, 2], True)
    rest = server.s3.list_parts(Bucket=bucket, Key="multi", UploadId=upload, PartNumberMarker=listed["NextPartNumberMarker"])
    assert [p["PartNumber"] for p in rest["Parts"]] == [3]
    assert rig.error(server.s3.head_object, Bucket=bucket, Key="multi")[1] == 404
    done = server.s3.complete_multipart_upload(Bucket=bucket, Key="multi", UploadId=upload, MultipartUpload={
        "Parts": [{"PartNumber": i + 1, "ETag": e} for i, e in enumerate(etags)]})
    whole = hashlib.md5(b"".join(hashlib.md5(p).digest() for p in parts)).hexdigest() + "-3"
    assert done["ETag"] == f'"{whole}"'
    got = server.s3.get_object(Bucket=bucket, Key="multi")
    assert got["Body"].read() == b"".join(parts)
    assert (got["ContentType"], got["Metadata"], got["ETag"]) == ("video/mp4", {"m": "1"}, f'"{whole}"')
    assert read(server, bucket, "multi", Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}") == b"\1\1\2\2"
    assert read(server, bucket, "multi", PartNumber=3) == b"last"


def test_multipart_refusals(server, bucket):
    upload = server.s3.create_multipart_upload(Bucket=bucket, Key="refused")["UploadId"]
    where = {"Bucket": bucket, "Key": "refused", "UploadId": upload}
    etags = [server.s3.upload_part(PartNumber=n, Body=b"small", **where)["ETag"] for n in (1, 2)]
    both = [{"PartNumber": 1, "ETag": etags[0]}, {"PartNumber": 2, "ETag": etags[1]}]

    def complete(parts):
        return rig.error(server.s3.complete_multipart_upload, MultipartUpload={"Parts": parts}, **where)[:2]

    assert complete(both) == ("EntityTooSmall", 400)
    assert complete(both[::-1]) == ("InvalidPartOrder", 400)
    assert complete([{"PartNumber": 1, "ETag": '"0"'}]) == ("InvalidPart", 400)
    assert complete([{"PartNumber": 7, "ETag": etags[0]}]) == ("InvalidPart", 400)
    assert rig.error(server.s3.head_object, Bucket=bucket, Key="refused")[1] == 404
    assert rig.error(server.s3.upload_part, PartNumber=10001, Body=b"", **where)[:2] == ("InvalidArgument", 400)
    server.s3.abort_multipart_upload(**where)
    assert rig.error(server.s3.upload_part, PartNumber=1, Body=b"", **where)[:2] == ("NoSuchUpload", 404)
    assert complete(both[:1]) == ("NoSuchUpload", 404)


def test_listing(server):
    b = server.bucket()
    keys = sorted(["a", "a/1", "a/2", "a/b/3", "b", "c/", "c/4", "\u00e4", "d e"], key=lambda k: k.encode())
    for k in keys:
        server.s3.put_object(Bucket=b, Key=k, Body=k.encode())

    def names(**more):
        page = server.s3.list_objects_v2(Bucket=b, **more)
        return [o["Key"] for o in page.get("Contents", [])], [p["Prefix"] for p in page.get("CommonPrefixes", [])]

    assert names() == (keys, [])
    assert names(Prefix="a/") == (["a/1", "a/2", "a/b/3"], [])
    assert names(Delimiter="/") == (["a", "b", "d e", "\u00e4"], ["a/", "c/"])
    assert names(Prefix="a/", Delimiter="/") == (["a/1", "a/2"], ["a/b/"])
    assert names(StartAfter="b") == ([k for k in keys if k > "b"], [])
    assert [urllib.parse.unquote_plus(k) for k in names(EncodingType="url")[0]] == keys
    got, token = [], {}
    while True:
        page = server.s3.list_objects_v2(Bucket=b, MaxKeys=2, **token)
        assert page["KeyCount"] <= 2
        got += [o["Key"] for o in page["Contents"]]
        if not page["IsTruncated"]:
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    assert got == keys
    with_prefixes = []
    for page in server.s3.get_paginator("list_objects_v2").paginate(Bucket=b, Delimiter="/", PaginationConfig={"PageSize": 1}):
        with_prefixes += [o["Key"] for o in page.get("Contents", [])] + [p["Prefix"] for p in page.get("CommonPrefixes", [])]
    assert with_prefixes == ["a", "a/", "b", "c/", "d e", "\u00e4"]
    one = server.s3.list_objects_v2(Bucket=b, Prefix="a/1")["Contents"][0]
    assert (one["Size"], one["ETag"], one["StorageClass"]) == (3, f'"{md5(b"a/1")}"', "STANDARD")


def test_presigned(server, bucket):
    url = server.s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "pre signed", "ContentType": "text/x-p"})
    target = url[len(server.endpoint):]
    assert rig.http(server.endpoint, "PUT", target, {"Content-Type": "text/x-other"}, b"x").status == 403
    assert rig.http(server.endpoint, "PUT", target, {"Content-Type": "text/x-p"}, b"by URL").status == 200
    url = server.s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "pre signed",
                                                          "ResponseContentType": "text/x-q"})
    got = rig.http(server.endpoint, "GET", url[len(server.endpoint):])
    assert (got.body, got.headers["content-type"]) == (b"by URL", "text/x-q")


def test_expect_continue_and_large_stream(server, bucket):
    """boto3 sends Expect: 100-continue with every upload; a large one is streamed in and out."""
    data = b"".join(i.to_bytes(8, "little") for i in range(2 * MIB))
    server.s3.put_object(Bucket=bucket, Key="16MiB", Body=data)
    digest = hashlib.sha256()
    for piece in server.s3.get_object(Bucket=bucket, Key="16MiB")["Body"].iter_chunks(MIB):
        digest.update(piece)
    assert digest.digest() == hashlib.sha256(data).digest()


def test_survives_a_restart(make_server):
    s = make_server().start()
    b = s.bucket()
    s.s3.put_object(Bucket=b, Key="small", Body=b"x" * 100, Metadata={"m": "1"}, Tagging="t=1")
    s.s3.put_object(Bucket=b, Key="large", Body=b"y" * MIB)
    upload = s.s3.create_multipart_upload(Bucket=b, Key="multi")["UploadId"]
    etag = s.s3.upload_part(Bucket=b, Key="multi", UploadId=upload, PartNumber=1, Body=b"z")["ETag"]
    s.restart()
    assert s.objects(b) == {"small": b"x" * 100, "large": b"y" * MIB}
    assert s.s3.head_object(Bucket=b, Key="small")["Metadata"] == {"m": "1"}
    s.s3.complete_multipart_upload(Bucket=b, Key="multi", UploadId=upload, MultipartUpload={
        "Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert s.objects(b)["multi"] == b"z"


def test_event_of_an_object(server):
    """Object Created goes through the outbox to a rule and its target, once, and only where it is switched on."""
    quiet, loud, sink = server.bucket(), server.bucket(events=True), server.bucket()
    stream = server.stream(sink)
    rule = rig.name("r")
    server.events.put_rule(Name=rule, EventPattern=json.dumps({
        "source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [quiet, loud]}}}))
    server.events.put_targets(Rule=rule, Targets=[{"Id": "1", "RoleArn": rig.ROLE,
                                                   "Arn": f"arn:aws:firehose:{rig.REGION}:{rig.ACCOUNT}:deliverystream/{stream}"}])
    for b in (quiet, loud):
        server.s3.put_object(Bucket=b, Key="a b/\u00e4", Body=b"12345")
    server.s3.put_object(Bucket=loud, Key="end", Body=b"")

    def seen():
        text = b"".join(server.objects(sink).values()).decode()
        found, at = [], 0
        while at < len(text):
            one, at = json.JSONDecoder().raw_decode(text, at)
            found.append(one)
            while at < len(text) and text[at].isspace():
                at += 1
        return len(found) >= 2 and found

    found = rig.until("both events", seen)
    server.events.remove_targets(Rule=rule, Ids=["1"])
    server.events.delete_rule(Name=rule)
    assert sorted(e["detail"]["object"]["key"] for e in found) == ["a b/\u00e4", "end"]
    one = next(e for e in found if e["detail"]["object"]["key"] != "end")
    assert one["detail"]["bucket"]["name"] == loud
    assert (one["detail"]["object"]["size"], one["detail"]["object"]["etag"]) == (5, md5(b"12345"))
    assert (one["detail"]["reason"], one["region"], one["account"]) == ("PutObject", rig.REGION, rig.ACCOUNT)


def test_versions(server):
    s3, b = server.s3, server.bucket()
    s3.put_bucket_versioning(Bucket=b, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=b)["Status"] == "Enabled"
    one = s3.put_object(Bucket=b, Key="k", Body=b"one")["VersionId"]
    two = s3.put_object(Bucket=b, Key="k", Body=b"two")["VersionId"]
    marker = s3.delete_object(Bucket=b, Key="k")
    assert marker["DeleteMarker"] is True
    assert rig.error(s3.get_object, Bucket=b, Key="k")[:2] == ("NoSuchKey", 404)
    gone = rig.signed(server, "s3", "GET", f"/{b}/k")
    assert (gone.headers["x-amz-delete-marker"], gone.headers["x-amz-version-id"]) == ("true", marker["VersionId"])
    assert rig.error(s3.get_object, Bucket=b, Key="k", VersionId=marker["VersionId"])[:2] == ("MethodNotAllowed", 405)
    assert read(server, b, "k", VersionId=one) == b"one"
    listed = s3.list_object_versions(Bucket=b)
    assert [v["VersionId"] for v in listed["Versions"]] == [two, one]
    assert [(m["VersionId"], m["IsLatest"]) for m in listed["DeleteMarkers"]] == [(marker["VersionId"], True)]
    s3.delete_object(Bucket=b, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=b, Key="k")["VersionId"] == two
