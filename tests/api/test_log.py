# SPDX-License-Identifier: Apache-2.0
"""What clients see of the log: what they repeat is stored once, a full one slows them down."""
import json
import os
import socket
import subprocess
import threading
import uuid

import boto3
import botocore.config
import pytest

import rig


class Cutter:
    """A proxy that answers each client's first request for an operation by closing, after the server has answered."""

    def __init__(self, server, meanwhile=lambda: None):
        self.server, self.meanwhile, self.cut = server, meanwhile, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.seen = set()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                self.one(client)

    def one(self, client):
        request = message(client)
        if not request:
            return
        key = next(x for x in request.split(b"\r\n") if x.lower().startswith(b"amz-sdk-invocation-id:"))
        host, port = self.server.endpoint.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as s:
            s.sendall(request)
            answer = message(s)
        if key not in self.seen:
            self.seen.add(key)
            self.cut += 1
            assert answer.startswith(b"HTTP/1.1 200"), answer
            self.meanwhile()
            return
        client.sendall(answer.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))

    def client(self):
        return boto3.client("firehose", region_name=rig.REGION, aws_access_key_id=rig.ACCESS_KEY,
                            aws_secret_access_key=rig.SECRET, endpoint_url=self.endpoint,
                            config=botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 3}))

    def close(self):
        self.listener.close()


def message(s):
    """A request or an answer with Content-Length, as a whole."""
    got, need = b"", None
    while need is None or len(got) < need:
        more = s.recv(1 << 16)
        if not more:
            return b""
        got += more
        if need is None and b"\r\n\r\n" in got:
            head = got.partition(b"\r\n\r\n")[0]
            length = [x for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")]
            need = len(head) + 4 + int(length[0].split(b":")[1])
    return got


def number(record_id):
    return int(record_id[-20:])


def test_a_repeated_request_is_stored_once(server):
    bucket = server.bucket()
    stream = server.stream(bucket)
    proxy = Cutter(server)
    f = proxy.client()
    for i in range(3):
        a = f.put_record(DeliveryStreamName=stream, Record={"Data": b"<one>"})
        assert number(a["RecordId"]) == 1 + 4 * i
        r = f.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": b"<%d>" % k} for k in range(3)])
        assert r["FailedPutCount"] == 0
        assert [number(x["RecordId"]) for x in r["RequestResponses"]] == [2 + 4 * i, 3 + 4 * i, 4 + 4 * i]
    assert proxy.cut == 6
    proxy.close()
    rig.until("delivery", lambda: len(b"".join(server.objects(bucket).values())) >= 3 * 14)
    assert sorted(b"".join(server.objects(bucket).values()).replace(b">", b"> ").split()) == sorted([b"<one>", b"<0>", b"<1>", b"<2>"] * 3)


def test_a_request_repeated_over_a_crash_is_stored_once(make_server):
    server = make_server().start()
    stream = server.stream(server.bucket())
    proxy = Cutter(server, meanwhile=server.restart)
    f = proxy.client()
    for i in range(3):
        r = f.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": b"a"}, {"Data": b"b"}])
        assert [number(x["RecordId"]) for x in r["RequestResponses"]] == [1 + 2 * i, 2 + 2 * i]
    assert proxy.cut == 3
    proxy.close()
    assert number(server.firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"c"})["RecordId"]) == 7


def put(server, stream, invocation, data="eA=="):
    headers = {"X-Amz-Target": "Firehose_20150804.PutRecord", "Content-Type": "application/x-amz-json-1.1"}
    if invocation:
        headers["amz-sdk-invocation-id"] = invocation
    a = rig.signed(server, "firehose", "POST", "/", json.dumps({"DeliveryStreamName": stream, "Record": {"Data": data}}).encode(), headers)
    assert a.status == 200, a.body
    return number(a.json()["RecordId"])


def test_what_only_looks_the_same_is_stored_again(server):
    bucket = server.bucket()
    stream, other = server.stream(bucket), server.stream(bucket)
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    assert [put(server, stream, x) for x in (None, None, one, two, one)] == [1, 2, 3, 4, 3]
    assert put(server, stream, one, "eQ==") == 5  # another body under the same id
    assert put(server, other, one) == 1


def test_a_full_log_slows_clients_down_until_there_is_room(make_server):
    """The destination is away: records wait in the log."""
    server = make_server(**{"log-max-mb": 1}).start()
    f = server.firehose
    bucket = server.bucket()
    stream = server.stream(bucket)
    server.s3.delete_bucket(Bucket=bucket)
    records = [{"Data": bytes([i]) * 50_000} for i in range(4)]
    stored = 0
    while True:
        r = f.put_record_batch(DeliveryStreamName=stream, Records=records)
        if r["FailedPutCount"]:
            break
        stored += 4
        assert stored < 40
    assert stored >= 8 and r["FailedPutCount"] == 4
    assert {(x["ErrorCode"], x["ErrorMessage"], x.get("RecordId")) for x in r["RequestResponses"]} == {
        ("ServiceUnavailableException", "Slow down.", None)}
    rest = records[0]
    while True:  # what is smaller may still fit
        code = rig.error_or_none(f.put_record, DeliveryStreamName=stream, Record=rest)
        if code:
            break
        stored += 1
    assert code[:2] == ("ServiceUnavailableException", 503)
    server.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": rig.REGION})
    rig.until("room in the log", lambda: not rig.error_or_none(f.put_record, DeliveryStreamName=stream, Record=rest), 60)
    rig.until("delivery of all", lambda: sum(map(len, server.objects(bucket).values())) == (stored + 1) * 50_000, 60)


def threads(server):
    with open(f"/proc/{server.process.pid}/status", encoding="utf-8") as f:
        return int(next(line.split()[1] for line in f if line.startswith("Threads:")))


def test_streams_cost_no_thread_each(make_server):
    server = make_server().start()
    bucket = server.bucket()
    before = threads(server)
    streams = [server.stream(bucket, BufferingHints={"SizeInMBs": 128, "IntervalInSeconds": 900}) for _ in range(80)]
    for s in streams:
        assert number(server.firehose.put_record(DeliveryStreamName=s, Record={"Data": b"x"})["RecordId"]) == 1
    assert threads(server) < before + 40
    server.restart()
    assert threads(server) < before + 40
    for s in streams[::8]:
        assert number(server.firehose.put_record(DeliveryStreamName=s, Record={"Data": b"x"})["RecordId"]) == 2


@pytest.fixture
def small_disk(make_server):
    s = make_server()
    os.makedirs(s.data, exist_ok=True)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "none", s.data],
                                           capture_output=True).returncode:
        pytest.skip("mounts are not permitted here")
    yield s
    if s.alive():
        s.process.terminate()
        s.process.wait(60 * rig.SLOW)
    subprocess.run(["umount", s.data], check=True)


def test_a_full_disk_slows_clients_down_and_reads_go_on(small_disk):
    server = small_disk.start()
    bucket = server.bucket()
    server.s3.put_object(Bucket=bucket, Key="k", Body=b"there")
    stream = server.stream(bucket, BufferingHints={"SizeInMBs": 128, "IntervalInSeconds": 900})
    f, ids = server.firehose, []
    filler = os.path.join(server.data, "of-somebody-else")
    with open(filler, "wb") as x:
        st = os.statvfs(server.data)
        os.posix_fallocate(x.fileno(), 0, st.f_bavail * st.f_frsize - (20 << 20))
    record = {"Data": bytes(900_000)}
    while len(ids) < 100:
        try:
            ids.append(f.put_record(DeliveryStreamName=stream, Record=record)["RecordId"])
        except f.exceptions.ServiceUnavailableException:
            break
    assert 0 < len(ids) < 100
    r = f.put_record_batch(DeliveryStreamName=stream, Records=[record] * 2)
    assert (r["FailedPutCount"], r["RequestResponses"][0]["ErrorCode"]) == (2, "ServiceUnavailableException")
    assert server.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"there"
    server.s3.delete_object(Bucket=bucket, Key="k")
    os.unlink(filler)
    next_id = f.put_record(DeliveryStreamName=stream, Record=record)["RecordId"]
    assert number(next_id) == len(ids) + 1
    server.restart()
    assert number(server.firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"x"})["RecordId"]) == len(ids) + 2
