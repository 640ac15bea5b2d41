# SPDX-License-Identifier: Apache-2.0
"""What people use besides the SDKs: aws s3 sync, rclone, s3cmd and s3fs as Debian has them, and how readers of columns read."""
import filecmp
import io
import os
import random
import shutil
import subprocess

import boto3.s3.transfer
import pytest

import rig

MULTI = (6 << 20) + 12345  # more than one part of 5 MiB


def tool(name):
    return pytest.mark.skipif(not shutil.which(name), reason=f"{name} is missing: install Debian's package of that name")


def run(*words, ok=True, **env):
    p = subprocess.run(words, capture_output=True, encoding="utf-8", timeout=120 * rig.SLOW, check=False, env=rig.environment(**env))
    assert not ok or p.returncode == 0, (words, p.returncode, p.stdout, p.stderr)
    return p.stdout + p.stderr


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Names that are hard on clients, an empty file, and one of several parts."""
    d = tmp_path_factory.mktemp("tree")
    rng = random.Random(1)
    names = ["a.txt", "sub/b.bin", "sub/deep er/c+d&e=f.txt", "sub/한국어/ü%20.txt", "empty", "sub/~tilde'(1)!*.x"]
    for i, n in enumerate(names):
        os.makedirs(os.path.dirname(d / n), exist_ok=True)
        (d / n).write_bytes(b"" if n == "empty" else rng.randbytes(1000 + i))
    (d / "multi").write_bytes(rng.randbytes(MULTI))
    return d


def files(folder):
    return sorted(os.path.relpath(os.path.join(at, f), folder) for at, _, found in os.walk(folder) for f in found)


def same(a, b):
    assert files(a) == files(b)
    return all(filecmp.cmp(os.path.join(a, f), os.path.join(b, f), shallow=False) for f in files(a))


# --- aws ---

@tool("/usr/bin/aws")
def test_aws_sync_both_ways(server, tree, tmp_path):
    b, back = server.bucket(), tmp_path / "back"

    def sync(*words):
        return run("/usr/bin/aws", "--endpoint-url", server.endpoint, "s3", "sync", "--no-progress", *map(str, words),
                   AWS_ACCESS_KEY_ID=rig.ACCESS_KEY, AWS_SECRET_ACCESS_KEY=rig.SECRET, AWS_DEFAULT_REGION=rig.REGION, AWS_MAX_ATTEMPTS="1")

    assert sync(tree, f"s3://{b}/t").count("upload:") == len(files(tree))
    assert sync(tree, f"s3://{b}/t") == ""
    assert sync(f"s3://{b}/t", back).count("download:") == len(files(tree))
    assert sync(f"s3://{b}/t", back) == "" and same(tree, back)
    assert sync(f"s3://{b}/t", f"s3://{b}/u").count("copy:") == len(files(tree))
    assert sync(f"s3://{b}/t", f"s3://{b}/u") == ""
    os.unlink(back / "a.txt")
    assert sync("--delete", back, f"s3://{b}/t").count("delete:") == 1


# --- rclone ---

@tool("rclone")
def test_rclone_copy_check_sync(server, tree, tmp_path):
    b, back = rig.name("b"), tmp_path / "back"

    def rclone(*words, ok=True):
        return run("rclone", "--config", os.devnull, "--retries", "1", "--s3-chunk-size", "5Mi", "--s3-upload-cutoff", "5Mi",
                   *map(str, words), ok=ok, RCLONE_CONFIG_M_TYPE="s3", RCLONE_CONFIG_M_PROVIDER="Other", RCLONE_CONFIG_M_REGION=rig.REGION,
                   RCLONE_CONFIG_M_LOCATION_CONSTRAINT=rig.REGION, RCLONE_CONFIG_M_ENDPOINT=server.endpoint,
                   RCLONE_CONFIG_M_ACCESS_KEY_ID=rig.ACCESS_KEY, RCLONE_CONFIG_M_SECRET_ACCESS_KEY=rig.SECRET,
                   RCLONE_CONFIG_M_LIST_VERSION="2")

    rclone("mkdir", f"m:{b}")
    rclone("copy", tree, f"m:{b}/t")
    assert "0 differences found" in rclone("check", tree, f"m:{b}/t")
    assert "0 differences found" in rclone("check", "--download", tree, f"m:{b}/t")
    assert "Copied" not in rclone("copy", "-v", tree, f"m:{b}/t")
    rclone("sync", f"m:{b}/t", back)
    assert same(tree, back)
    os.unlink(back / "a.txt")
    (back / "sub" / "b.bin").write_bytes(b"another")
    rclone("sync", back, f"m:{b}/t")
    assert "0 differences found" in rclone("check", back, f"m:{b}/t")
    rclone("copyto", f"m:{b}/t/multi", f"m:{b}/copied")  # on the server's side
    rclone("moveto", f"m:{b}/copied", f"m:{b}/moved")
    assert rclone("lsf", f"m:{b}").split() == ["moved", "t/"]
    assert rclone("cat", f"m:{b}/t/sub/b.bin") == "another"
    rclone("purge", f"m:{b}")
    assert "directory not found" in rclone("lsf", f"m:{b}", ok=False)


# --- s3cmd ---

@tool("s3cmd")
def test_s3cmd(server, tree, tmp_path):
    b, config, back = rig.name("b"), tmp_path / "s3cfg", tmp_path / "back"
    host = server.endpoint.partition("://")[2]
    config.write_text(f"[default]\naccess_key = {rig.ACCESS_KEY}\nsecret_key = {rig.SECRET}\nhost_base = {host}\nhost_bucket = {host}\n"
                      f"use_https = False\nbucket_location = {rig.REGION}\nmultipart_chunk_size_mb = 5\n", encoding="utf-8")

    def s3cmd(*words, ok=True):
        return run("s3cmd", "-c", str(config), "--no-progress", *map(str, words), ok=ok)

    s3cmd("mb", f"s3://{b}")
    assert f"s3://{b}" in s3cmd("ls")
    s3cmd("put", tree / "a.txt", f"s3://{b}/a.txt")
    s3cmd("put", tree / "multi", f"s3://{b}/multi")
    s3cmd("get", f"s3://{b}/multi", back)
    assert filecmp.cmp(tree / "multi", back, shallow=False)
    assert server.s3.head_object(Bucket=b, Key="multi")["ETag"].endswith('-2"')
    assert f"s3://{b}/a.txt" in s3cmd("ls", f"s3://{b}")
    assert "MD5 sum" in s3cmd("info", f"s3://{b}/a.txt")
    assert "Location" in s3cmd("info", f"s3://{b}")
    s3cmd("cp", f"s3://{b}/a.txt", f"s3://{b}/b.txt")
    s3cmd("modify", "--add-header=x-amz-meta-seen:yes", f"s3://{b}/b.txt")
    assert server.s3.head_object(Bucket=b, Key="b.txt")["Metadata"]["seen"] == "yes"
    s3cmd("mv", f"s3://{b}/b.txt", f"s3://{b}/c.txt")
    s3cmd("sync", f"{tree}/", f"s3://{b}/t/")
    assert "upload:" not in s3cmd("sync", f"{tree}/", f"s3://{b}/t/")
    s3cmd("sync", f"s3://{b}/t/", f"{tmp_path}/t/")
    assert same(tree, tmp_path / "t")
    s3cmd("del", f"s3://{b}/a.txt")
    s3cmd("del", "--recursive", "--force", f"s3://{b}/")
    s3cmd("rb", f"s3://{b}")
    assert "NoSuchBucket" in s3cmd("ls", f"s3://{b}", ok=False)


# --- s3fs ---

def mounts():
    with open("/proc/self/mounts", encoding="utf-8") as f:
        return f.read()


def mountable():
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
        return True
    except OSError:
        return False


@tool("s3fs")
@pytest.mark.skipif(not mountable(), reason="/dev/fuse cannot be opened here: s3fs was not tried")
def test_s3fs_mount(server, tree, tmp_path):
    b, at, passwd = server.bucket(), tmp_path / "mnt", tmp_path / "passwd"
    at.mkdir()
    passwd.write_text(f"{rig.ACCESS_KEY}:{rig.SECRET}\n")
    passwd.chmod(0o600)
    with subprocess.Popen(["s3fs", b, str(at), "-f", "-o", f"passwd_file={passwd}", "-o", f"url={server.endpoint}", "-o", "use_path_request_style",
                           "-o", f"endpoint={rig.REGION}", "-o", "multipart_size=5", "-o", "parallel_count=2", "-o", "singlepart_copy_limit=5"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=rig.environment()) as p:
        try:
            rig.until("the mount", lambda: str(at) in mounts() or p.poll() is not None)
            assert p.poll() is None, p.stdout.read()
            shutil.copytree(tree, at / "t")
            assert same(tree, at / "t")
            os.rename(at / "t" / "a.txt", at / "renamed")
            assert (at / "renamed").read_bytes() == (tree / "a.txt").read_bytes()
            assert server.s3.get_object(Bucket=b, Key="renamed")["Body"].read() == (tree / "a.txt").read_bytes()
            with open(at / "t" / "multi", "r+b") as f:  # the rest of the object is copied on the server's side
                f.seek(MULTI - 1)
                f.write(b"!")
            got = server.s3.get_object(Bucket=b, Key="t/multi")["Body"].read()
            assert got == (tree / "multi").read_bytes()[:-1] + b"!"
            os.unlink(at / "renamed")
            shutil.rmtree(at / "t")
            assert not os.listdir(at) and not server.objects(b)
        finally:
            subprocess.run(["fusermount", "-u", str(at)], check=False)
            try:
                p.wait(20 * rig.SLOW)
            except subprocess.TimeoutExpired:
                p.kill()


# --- how DuckDB's httpfs, Trino, pyarrow and fsspec read a Parquet file: its end, then columns ---

def ranges(size, columns=5):
    """(header, first, last) of the requests of one reader after another; column chunks at odd places."""
    step = size // (columns + 1)
    yield "bytes=-8", size - 8, size - 1  # fsspec: the length of the footer
    yield f"bytes=-{size // 10}", size - size // 10, size - 1
    yield f"bytes=-{size * 2}", 0, size - 1  # more than there is
    yield f"bytes={size - 16384}-{size - 1}", size - 16384, size - 1  # Trino
    yield f"bytes={size - 65536}-", size - 65536, size - 1  # pyarrow
    yield f"bytes={size - 1}-{size + 1000000}", size - 1, size - 1  # DuckDB reads on behind the end
    for i in range(columns):
        yield f"bytes={i * step + i}-{i * step + step + 1}", i * step + i, i * step + step + 1


@pytest.mark.parametrize("parts", [1, 2])
def test_column_readers(server, parts):
    b, body = server.bucket(), random.Random(parts).randbytes(MULTI)
    server.s3.upload_fileobj(io.BytesIO(body), b, "t.parquet", Config=boto3.s3.transfer.TransferConfig(
        multipart_threshold=(5 << 20) if parts > 1 else (1 << 30), multipart_chunksize=5 << 20))
    h = server.s3.head_object(Bucket=b, Key="t.parquet")
    assert h["ContentLength"] == MULTI and h["AcceptRanges"] == "bytes" and h["ETag"].endswith('-2"') == (parts == 2)
    for header, first, last in ranges(MULTI):
        r = server.s3.get_object(Bucket=b, Key="t.parquet", Range=header, IfMatch=h["ETag"])
        assert r["ResponseMetadata"]["HTTPStatusCode"] == 206, header
        assert r["ContentRange"] == f"bytes {first}-{last}/{MULTI}" and r["ContentLength"] == last - first + 1
        assert r["Body"].read() == body[first:last + 1], header
        assert server.s3.head_object(Bucket=b, Key="t.parquet", Range=header)["ContentLength"] == last - first + 1
    assert rig.error(server.s3.get_object, Bucket=b, Key="t.parquet", Range=f"bytes={MULTI}-")[:2] == ("InvalidRange", 416)
    server.s3.put_object(Bucket=b, Key="t.parquet", Body=b"written anew")
    assert rig.error(server.s3.get_object, Bucket=b, Key="t.parquet", Range="bytes=0-7", IfMatch=h["ETag"])[:2] == ("PreconditionFailed", 412)
