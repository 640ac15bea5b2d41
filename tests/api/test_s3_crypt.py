# SPDX-License-Identifier: Apache-2.0
"""Encryption at rest through boto3: whose key, what comes back, what is on disk after a crash."""
import base64
import hashlib
import os

import pytest

import rig

MIB = 1 << 20
CANARY = b"a-secret-of-the-subject-"
KEY = bytes(range(32))
C = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
WRONG = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": bytes(32)}
SOURCE = {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": KEY}


def canary(size):
    return (CANARY * (size // len(CANARY) + 1))[:size]


def files(folder):
    for where, _, names in os.walk(folder):
        for n in names:
            with open(os.path.join(where, n), "rb") as f:
                yield n, f.read()


def read(server, bucket, key, **more):
    return server.s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


@pytest.fixture(scope="module")
def bucket(shared):
    return shared.bucket()


def test_sse_s3(server, bucket):
    data = canary(200_000)
    put = server.s3.put_object(Bucket=bucket, Key="s", Body=data, ServerSideEncryption="AES256")
    assert put["ServerSideEncryption"] == "AES256" and put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    got = server.s3.get_object(Bucket=bucket, Key="s")
    assert got["Body"].read() == data and got["ServerSideEncryption"] == "AES256" and got["ContentLength"] == len(data)
    for first, last in ((0, 0), (65535, 65536), (131071, 199_999), (65536, 131071)):
        assert read(server, bucket, "s", Range=f"bytes={first}-{last}") == data[first:last + 1]
    assert server.s3.head_object(Bucket=bucket, Key="s")["ServerSideEncryption"] == "AES256"
    assert "ServerSideEncryption" not in server.s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    assert "ServerSideEncryption" not in server.s3.head_object(Bucket=bucket, Key="plain")
    assert [o["Size"] for o in server.s3.list_objects_v2(Bucket=bucket, Prefix="s")["Contents"]] == [len(data)]
    copy = server.s3.copy_object(Bucket=bucket, Key="s2", CopySource=f"{bucket}/s", ServerSideEncryption="AES256")
    assert copy["ServerSideEncryption"] == "AES256" and read(server, bucket, "s2") == data
    for kms in ({"ServerSideEncryption": "aws:kms"}, {"ServerSideEncryption": "AES256", "SSEKMSKeyId": "k"}):
        assert rig.error(server.s3.put_object, Bucket=bucket, Key="k", Body=b"", **kms)[:2] == ("NotImplemented", 501)


def test_sse_c(server, bucket):
    data = canary(70_000)
    put = server.s3.put_object(Bucket=bucket, Key="c", Body=data, **C)
    md5 = base64.b64encode(hashlib.md5(KEY).digest()).decode()
    assert put["SSECustomerAlgorithm"] == "AES256" and put["SSECustomerKeyMD5"] == md5
    assert hashlib.md5(data).hexdigest() not in put["ETag"]
    got = server.s3.get_object(Bucket=bucket, Key="c", **C)
    assert got["Body"].read() == data and got["SSECustomerKeyMD5"] == md5 and "ServerSideEncryption" not in got
    assert read(server, bucket, "c", Range="bytes=65530-65540", **C) == data[65530:65541]
    assert rig.error(server.s3.get_object, Bucket=bucket, Key="c") == (
        "InvalidRequest", 400, "The object was stored using a form of Server Side Encryption. The correct parameters "
        "must be provided to retrieve the object.")
    assert rig.error(server.s3.get_object, Bucket=bucket, Key="c", **WRONG)[:2] == ("AccessDenied", 403)
    assert rig.error(server.s3.head_object, Bucket=bucket, Key="c")[:2] == ("400", 400)
    assert rig.error(server.s3.head_object, Bucket=bucket, Key="c", **WRONG)[:2] == ("403", 403)
    assert rig.error(server.s3.copy_object, Bucket=bucket, Key="d", CopySource=f"{bucket}/c")[:2] == ("InvalidRequest", 400)
    server.s3.copy_object(Bucket=bucket, Key="d", CopySource=f"{bucket}/c", **SOURCE)
    assert read(server, bucket, "d") == data


@pytest.mark.parametrize("sse, keys, source", [({"ServerSideEncryption": "AES256"}, {}, {}), (C, C, SOURCE)])
def test_parts(server, bucket, sse, keys, source):
    one, two = canary(5 * MIB + 1), canary(1000)
    up = server.s3.create_multipart_upload(Bucket=bucket, Key="m", **sse)
    at = {"Bucket": bucket, "Key": "m", "UploadId": up["UploadId"]}
    parts = [server.s3.upload_part(PartNumber=1, Body=one, **at, **keys)]
    server.s3.put_object(Bucket=bucket, Key="source", Body=two, **sse)
    parts.append(server.s3.upload_part_copy(PartNumber=2, CopySource=f"{bucket}/source", **at, **keys, **source)
                 ["CopyPartResult"])
    if keys:
        assert rig.error(server.s3.upload_part, PartNumber=3, Body=b"", **at)[0] == "InvalidRequest"
        assert rig.error(server.s3.upload_part, PartNumber=3, Body=b"", **at, **WRONG)[0] == "InvalidRequest"
    done = server.s3.complete_multipart_upload(MultipartUpload={"Parts": [
        {"PartNumber": i + 1, "ETag": p["ETag"]} for i, p in enumerate(parts)]}, **at)
    assert done.get("ServerSideEncryption") == (None if keys else "AES256")
    assert read(server, bucket, "m", **keys) == one + two
    assert read(server, bucket, "m", PartNumber=2, **keys) == two
    assert read(server, bucket, "m", Range=f"bytes={len(one) - 5}-{len(one) + 4}", **keys) == one[-5:] + two[:5]


def test_default_of_a_bucket(server):
    b = server.bucket()
    rule = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    assert rig.error(server.s3.get_bucket_encryption, Bucket=b)[:2] == (
        "ServerSideEncryptionConfigurationNotFoundError", 404)
    server.s3.put_bucket_encryption(Bucket=b, ServerSideEncryptionConfiguration=rule)
    got = server.s3.get_bucket_encryption(Bucket=b)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert got["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert server.s3.put_object(Bucket=b, Key="k", Body=b"x")["ServerSideEncryption"] == "AES256"
    up = server.s3.create_multipart_upload(Bucket=b, Key="m")
    assert up["ServerSideEncryption"] == "AES256"
    assert server.s3.copy_object(Bucket=b, Key="c", CopySource=f"{b}/k")["ServerSideEncryption"] == "AES256"
    kms = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    assert rig.error(server.s3.put_bucket_encryption, Bucket=b, ServerSideEncryptionConfiguration=kms)[:2] == (
        "NotImplemented", 501)
    server.s3.delete_bucket_encryption(Bucket=b)
    assert "ServerSideEncryption" not in server.s3.put_object(Bucket=b, Key="k", Body=b"x")
    assert read(server, b, "c") == b"x"


def test_nothing_readable_is_on_disk_after_a_crash(make_server):
    server = make_server().start()
    b = server.bucket()
    data = canary(300_000)
    server.s3.put_object(Bucket=b, Key="s", Body=data, ServerSideEncryption="AES256")
    server.s3.put_object(Bucket=b, Key="small", Body=data[:100], ServerSideEncryption="AES256")
    server.s3.put_object(Bucket=b, Key="c", Body=data, **C)
    server.kill()
    for name, content in files(server.data):
        assert CANARY not in content and CANARY[8:20] not in content, name
        assert KEY not in content and base64.b64encode(KEY) not in content, name
    server.start()
    assert read(server, b, "s") == data and read(server, b, "small") == data[:100] and read(server, b, "c", **C) == data
    assert os.stat(os.path.join(server.data, "master.key")).st_mode & 0o777 == 0o400


def test_encryption_of_all_buckets(make_server):
    server = make_server(encryption="AES256").start()
    b = server.bucket()
    assert server.s3.get_bucket_encryption(Bucket=b)["ServerSideEncryptionConfiguration"]["Rules"]
    assert server.s3.put_object(Bucket=b, Key="k", Body=canary(1000))["ServerSideEncryption"] == "AES256"
    server.kill()
    assert not [n for n, content in files(server.data) if CANARY in content]
