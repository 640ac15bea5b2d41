# SPDX-License-Identifier: Apache-2.0
"""Damage: mulgil verify --deep reads every byte again and names it, and GetObject never passes it off as whole."""
import http.client
import json
import pathlib
import re
import urllib.error
import urllib.request

import rig

MIB = 1 << 20


def flip(path, at, bit=0):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 1 << bit]))


def get(url, wanted=None):
    """The status, the length that was announced, and as much as came."""
    request = urllib.request.Request(url, headers={"Range": wanted} if wanted else {})
    try:
        with urllib.request.urlopen(request, timeout=30 * rig.SLOW) as answer:
            length = int(answer.headers["Content-Length"])
            try:
                return answer.status, length, answer.read()
            except http.client.IncompleteRead as e:
                return answer.status, length, e.partial
    except urllib.error.HTTPError as e:
        return e.code, 0, b""


def files(server, size):
    return [p for p in pathlib.Path(server.data, "objects", "objects").glob("*/*") if p.stat().st_size == size]


def test_all_is_as_it_was_written(make_server):
    s = make_server().start()
    bucket = s.bucket()
    s.s3.put_object(Bucket=bucket, Key="small", Body=b"x" * 100)
    s.s3.put_object(Bucket=bucket, Key="large", Body=b"y" * 300_000, ChecksumAlgorithm="SHA256")
    p = s.run("verify", "--deep")
    assert p.returncode == 0 and "all as they were written" in p.stdout, p
    assert re.match(r"2 objects and parts, \d+ bytes read", p.stdout), p
    assert json.loads(s.run("verify", "--deep", "--output", "json").stdout)["problems"] == []
    assert s.run("verify", "--deep", "some-measurement").returncode == 2


def test_damage_is_named(make_server):
    s = make_server().start()
    bucket, s3 = s.bucket(), s.s3
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=bucket, Key="film", Body=b"a" * 300_000)["VersionId"]
    s3.put_object(Bucket=bucket, Key="film", Body=b"b" * 300_001)
    s3.put_object(Bucket=bucket, Key="fine", Body=b"c" * 300_002)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="going-on")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="going-on", UploadId=upload, PartNumber=7, Body=b"d" * 300_003)
    for size in (300_000, 300_003):
        flip(files(s, size)[0], 5)
    p = s.run("verify", "--deep")
    assert p.returncode == 6, p
    lines = [line for line in p.stdout.splitlines() if line.startswith("DAMAGED")]
    assert len(lines) == 2 and "2 damaged" in p.stdout, p
    assert lines[0].startswith(f"DAMAGED s3://{bucket}/film version {old}: blob "), p
    assert lines[1].startswith(f"DAMAGED s3://{bucket}/going-on part 7 of upload {upload}: blob "), p


def scrubbed(server):
    return json.loads(rig.signed(server, "mulgil", "GET", "/-/verify/scrubber").body)


def test_the_server_finds_damage_by_itself(make_server):
    s = make_server(**{"scrub-every-s": 1}).start()
    bucket = s.bucket()
    s.s3.put_object(Bucket=bucket, Key="film", Body=b"a" * 300_000)
    s.s3.put_object(Bucket=bucket, Key="fine", Body=b"b" * 300_001)
    then = scrubbed(s)["last"]["ended_ms"]
    rig.until("a walk that began with both", lambda: scrubbed(s)["last"]["ended_ms"] > then and scrubbed(s)["last"]["rows"] == 2)
    assert scrubbed(s)["last"]["damaged"] == 0 and scrubbed(s)["last"]["bytes"] == 600_001
    flip(files(s, 300_000)[0], 5)
    rig.until("the damage is seen", lambda: scrubbed(s)["last"]["damaged"] == 1)
    assert f"DAMAGED s3://{bucket}/film: blob " in s.log() and f"{bucket}/fine" not in s.log()
    s.restart()
    assert scrubbed(s)["last"]["rows"] == 2  # it is remembered
    assert s.s3.get_object(Bucket=bucket, Key="fine")["Body"].read() == b"b" * 300_001


def test_damaged_bytes_never_leave_as_a_whole_answer(make_server):
    """Up to 16 MiB are verified before the first byte leaves, longer ones a MiB ahead of what is sent."""
    s = make_server().start()
    bucket = s.bucket()
    url = {}
    for size in (MIB * 2, MIB * 20):
        data = bytes(range(251)) * (size // 251 + 1)
        s.s3.put_object(Bucket=bucket, Key=str(size), Body=data[:size])
        url[size] = s.s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": str(size)})
        assert get(url[size]) == (200, size, data[:size])
        assert get(url[size], f"bytes={MIB + 5}-{size - 7}") == (206, size - 6 - MIB - 5, data[MIB + 5:size - 6])
        flip(files(s, size)[0], size - MIB // 2, 6)
    assert get(url[MIB * 2])[0] == 500
    status, promised, got = get(url[MIB * 20])
    assert (status, promised) == (200, MIB * 20) and got == (bytes(range(251)) * 83_000)[:MIB * 19]
    for size in url:
        assert get(url[size], f"bytes={size - 10}-")[0] == 500
        assert get(url[size], "bytes=0-99")[:2] == (206, 100)


def test_damaged_metadata_is_seen_and_the_rest_served(make_server):
    s = make_server().start()
    bucket = s.bucket()
    s.s3.put_object(Bucket=bucket, Key="k", Body=b"x" * 100)
    s.process.terminate()  # so that all is in the file, nothing in the WAL
    assert s.process.wait(30 * rig.SLOW) == 0
    database = pathlib.Path(s.data, "meta", "meta.sqlite")
    s.start()
    flip(database, database.stat().st_size - 100, 3)
    p = s.run("verify", "--deep")
    assert p.returncode == 6 and "DAMAGED metadata: page " in p.stdout, p
    flip(database, database.stat().st_size - 100, 3)
    assert s.run("verify", "--deep").returncode == 0
