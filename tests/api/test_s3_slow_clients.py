# SPDX-License-Identifier: Apache-2.0
"""256 slow clients of each kind, all held open at once: fast ones are answered as if they were alone."""
import socket

import pytest

import raw
import rig

MANY = 256
BIG = 4 << 20


@pytest.fixture(scope="module")
def bucket(shared):
    b = shared.bucket()
    shared.s3.put_object(Bucket=b, Key="kept", Body=b"kept")
    shared.s3.put_object(Bucket=b, Key="big", Body=bytes(BIG))
    return b


def part_of(data, head_and):
    """The head and so many bytes of the body."""
    return data[:data.index(b"\r\n\r\n") + 4 + head_and]


def kinds(host, bucket):
    small = raw.request(host, "PUT", f"/{bucket}/slow", body=b"x" * 1000)
    large = raw.request(host, "PUT", f"/{bucket}/slow", body=bytes(400_000), payload=raw.UNSIGNED)
    coded = raw.request(host, "PUT", f"/{bucket}/slow", body=bytes(5000), payload=raw.UNSIGNED, chunked=True)
    expects = raw.request(host, "PUT", f"/{bucket}/slow", [("Expect", "100-continue")], b"x" * 1000)
    document = raw.request(host, "POST", f"/{bucket}?delete", body=b"<Delete>" + b" " * 1000)
    return {
        "heads": small[:100], "no byte": b"", "small bodies": part_of(small, 10), "large bodies": part_of(large, 70_000),
        "bodies in chunks": part_of(coded, 2000), "bodies with Expect": part_of(expects, 10), "documents": part_of(document, 20),
        "readers": raw.request(host, "GET", f"/{bucket}/big"),
    }


KINDS = sorted(kinds("h", "b"))


def slow_client(server, data, reads):
    w = raw.Wire(server)
    if not reads:
        return w.send(data)
    w.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    w.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    w.sock.connect(w.address)
    w.sock.sendall(data)
    assert w.sock.recv(1)  # its answer has begun, and is read no further
    return w


def fast_ones(server, bucket, key):
    """One of each kind; they have to be answered while the others hold on."""
    s3 = server.s3
    s3.put_object(Bucket=bucket, Key=key, Body=b"fast")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"fast"
    assert s3.get_object(Bucket=bucket, Key="big")["ContentLength"] == BIG
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]] == [key]
    large = bytes(600_000)
    assert rig.signed(server, "s3", "PUT", f"/{bucket}/{key}-large", large).status == 200
    s3.copy_object(Bucket=bucket, Key=key + "-copy", CopySource={"Bucket": bucket, "Key": key})
    s3.delete_object(Bucket=bucket, Key=key)
    assert rig.json_call(server, "firehose", "ListDeliveryStreams", {}).status == 200


@pytest.mark.parametrize("kind", KINDS)
def test_slow_clients(server, bucket, kind):
    data = kinds(server.endpoint.partition("//")[2], bucket)[kind]
    held = [slow_client(server, data, kind == "readers") for _ in range(MANY)]
    try:
        for i in range(3):
            fast_ones(server, bucket, f"fast-{kind.replace(chr(32), chr(45))}-{i}")
        gone = 0
        for w in held:  # the slow ones were there all the time: nothing has been closed
            w.sock.setblocking(False)
            try:
                gone += w.sock.recv(1) == b""
            except BlockingIOError:
                pass
        assert gone == 0 or rig.SANITIZED  # a machine that is slow enough reaches the dead line of heads
    finally:
        for w in held:
            w.close()
    assert "slow" not in server.objects(bucket, "slow")
