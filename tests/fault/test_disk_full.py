# SPDX-License-Identifier: Apache-2.0
"""A full disk: writes are refused, reads and deletions go on, writes are taken again without a restart, nothing is lost."""
import os
import subprocess

import botocore.exceptions
import pytest

import rig

DISK_MIB = 128
OBJECT = 4 << 20


@pytest.fixture
def small_disk(make_server):
    s = make_server()
    os.makedirs(s.data, exist_ok=True)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "none", s.data],
                                           capture_output=True).returncode:
        pytest.skip("mounts are not permitted here")
    yield s
    if s.alive():
        s.process.terminate()
        s.process.wait(60 * rig.SLOW)
    subprocess.run(["umount", s.data], check=True)


def body(n):
    return n.to_bytes(4, "big") * (OBJECT // 4)


def refused(fn):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        fn()
    r = e.value.response
    assert (r["ResponseMetadata"]["HTTPStatusCode"], r["Error"]["Code"]) == (503, "SlowDown"), r


def fill(s3, bucket):
    """Puts objects until one is refused; returns how many are there."""
    for n in range(DISK_MIB):
        try:
            s3.put_object(Bucket=bucket, Key=f"k{n}", Body=body(n))
        except botocore.exceptions.ClientError:
            refused(lambda: s3.put_object(Bucket=bucket, Key="more", Body=body(n)))
            return n
    raise AssertionError("the disk was never full")


def check(s, s3, bucket, there):
    found = {o["Key"] for p in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket) for o in p.get("Contents", [])}
    assert found == {f"k{n}" for n in there}
    for n in there:
        assert s3.get_object(Bucket=bucket, Key=f"k{n}")["Body"].read() == body(n), n


def test_full_by_its_own_objects(small_disk):
    s = small_disk.start()
    s3 = s.s3
    bucket = s.bucket()
    n = fill(s3, bucket)
    assert n > 10
    check(s, s3, bucket, range(n))
    for k in range(0, n, 2):
        s3.delete_object(Bucket=bucket, Key=f"k{k}")
    left = list(range(1, n, 2))
    rig.until("room again", lambda: not raises(lambda: s3.put_object(Bucket=bucket, Key="k1000", Body=body(1000))))
    check(s, s3, bucket, [*left, 1000])
    assert s.alive() and s.run("verify", "--deep").returncode == 0
    s.restart()
    check(s, s.s3, bucket, [*left, 1000])


def raises(fn):
    try:
        fn()
    except botocore.exceptions.ClientError:
        return True
    return False


def test_full_by_others_to_the_last_byte(small_disk):
    s = small_disk.start()
    s3 = s.s3
    bucket = s.bucket()
    for n in range(3):
        s3.put_object(Bucket=bucket, Key=f"k{n}", Body=body(n))
    filler = os.path.join(s.data, "of-somebody-else")
    with open(filler, "wb") as f:
        try:
            while True:
                f.write(bytes(1 << 16))
                f.flush()
        except OSError:
            pass
    refused(lambda: s3.put_object(Bucket=bucket, Key="small", Body=b"x"))
    check(s, s3, bucket, range(3))
    # A commit may find no room the first time; then it gets what was set aside.
    rig.until("a deletion", lambda: not raises(lambda: s3.delete_object(Bucket=bucket, Key="k0")))
    for n in range(200):  # and there is room for many
        s3.put_object_tagging(Bucket=bucket, Key="k1", Tagging={"TagSet": [{"Key": "n", "Value": str(n)}]})
    refused(lambda: s3.put_object(Bucket=bucket, Key="small", Body=b"x"))
    check(s, s3, bucket, [1, 2])
    os.unlink(filler)
    s3.put_object(Bucket=bucket, Key="k3", Body=body(3))
    check(s, s3, bucket, [1, 2, 3])
    assert s.alive()
