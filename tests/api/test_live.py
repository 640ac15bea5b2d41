# SPDX-License-Identifier: Apache-2.0
"""Live signals through real connections: who gets what, buckets, alarms, viewers that do not read, a thousand that do."""
import http.client
import json
import selectors
import socket
import struct
import subprocess
import threading
import time
import uuid

import pytest

import rig
from test_console import events, sign_in

PLACE = "dt=2025-02-19/screening=s1/subject=p-1/measurement="
VIEWERS = 100 if rig.SANITIZED else 1000


def crc_table():
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        yield n


TABLE = list(crc_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for b in data:
        crc = crc >> 8 ^ TABLE[(crc ^ b) & 255]
    return crc ^ 0xFFFFFFFF


class Device:
    """A max30102 of one measurement: red and ir, 100 Hz, six bytes a sample."""

    def __init__(self, server, stream, bucket, measurement=None):
        self.server, self.delivery, self.bucket = server, stream, bucket
        self.measurement, self.stream = measurement or str(uuid.uuid4()), str(uuid.uuid4())
        self.seq, self.n, self.began = 0, 0, time.time_ns()
        self.manifest("_begin.json", v=1, screening="s1", subject="p-1", content="film", started_at_ns=str(self.began),
                      place=PLACE + self.measurement, files=[], streams=[{"stream": self.stream, "modality": "ppg",
                                                                         "layout": "max30102.fifo2@1", "rate": 100.0}])

    def manifest(self, name, **document):
        self.server.s3.put_object(Bucket=self.bucket, Key=f"v1/manifest/{PLACE}{self.measurement}/{name}",
                                  Body=json.dumps({"measurement": self.measurement, **document}))

    def record(self, values):
        payload = b"".join(struct.pack(">BHBH", 0, v, 0, v + 1) for v in values)
        self.n += len(values)
        head = struct.pack("<2sBBI16sIqqI", b"MG", 1, 0, 0, uuid.UUID(self.stream).bytes, self.seq,
                           self.began + self.n * 10_000_000, 0, len(payload))
        self.seq += 1
        return head + struct.pack("<I", crc32c(head + payload)) + payload

    def put(self, *records):
        got = self.server.firehose.put_record_batch(DeliveryStreamName=self.delivery, Records=[{"Data": r} for r in records])
        assert got["FailedPutCount"] == 0


@pytest.fixture
def cookie(server):
    return {"Cookie": sign_in(server).headers["set-cookie"].split(";")[0]}


@pytest.fixture
def place(server):
    raw = server.bucket(events=True)
    return server.stream(raw), raw


def watch(server, cookie, query, **more):
    """A connection whose first line has come: it is subscribed."""
    c = http.client.HTTPConnection(server.console.split("//")[1], timeout=30 * rig.SLOW)
    if more.get("receive"):
        c.sock = socket.socket()
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, more["receive"])
        c.sock.settimeout(30 * rig.SLOW)
        c.sock.connect(tuple(x if i == 0 else int(x) for i, x in enumerate(server.console.split("//")[1].split(":"))))
    c.request("GET", "/-/signals?" + query, headers=cookie)
    r = c.getresponse()
    assert (r.status, r.headers["content-type"]) == (200, "text/event-stream"), r.read()
    assert r.readline() == b": mulgil\n"
    return r


def of_kind(response, kind):
    return (data for k, data in events(response) if k == kind)


@pytest.mark.parametrize("query, name", [
    ("", "measurement"), ("hz=5", "measurement"), ("measurement=", "measurement"), ("measurement=x&measurement=y", "measurement"),
    ("stream=" + "x" * 65, "stream"), ("delivery=d&hz=0", "hz"), ("delivery=d&hz=-1", "hz"), ("delivery=d&hz=fast", "hz"),
    ("delivery=d&hz=nan", "hz"), ("delivery=d&px=100", "window_s"), ("delivery=d&window_s=10", "px"),
    ("delivery=d&px=100&window_s=10&hz=3", "hz"), ("delivery=d&channel=", "channel"), ("delivery=d&devise=x", "devise"),
    ("delivery=d&" + "&".join(["channel=c"] * 65), "channel")])
def test_mistakes_are_named(server, cookie, query, name):
    got = rig.http(server.console, "GET", "/-/signals?" + query, cookie)
    assert got.status == 400 and got.json()["message"].startswith(name + ":"), got.body


def test_by_measurement_stream_delivery_and_channel(server, cookie, place):
    d, other = Device(server, *place), Device(server, *place)
    views = [watch(server, cookie, q) for q in (
        f"measurement={d.measurement}", f"stream={d.stream}", f"delivery={d.delivery}&stream={d.stream}&channel=ir&channel=none",
        f"delivery={d.delivery}")]
    other.put(other.record([9] * 10))
    d.put(d.record(range(100)), d.record(range(50)))
    for i, view in enumerate(views):
        got = of_kind(view, "samples")
        if i == 3:
            assert next(got)["stream"] == other.stream
        one, two = next(got), next(got)
        assert (one["measurement"], one["stream"], one["modality"], one["seq"], two["seq"]) == (d.measurement, d.stream, "ppg", 0, 1)
        assert [c["name"] for c in one["channels"]] == (["ir"] if i == 2 else ["red", "ir"])
        red = one["channels"][0]
        assert red["values"] == list(range(1, 101) if i == 2 else range(100)) and red["rate"] == 100
        assert abs(red["t0_us"] - d.began // 1000) < 1000 and abs(red["dt_us"] - 10000) < 100
        view.close()


def test_buckets_for_a_screen(server, cookie, place):
    d = Device(server, *place)
    view = watch(server, cookie, f"stream={d.stream}&channel=red&px=40&window_s=10")  # 4 a second: 25 samples each
    values = [i % 25 for i in range(1000)]
    values[333] = 60000
    d.put(*(d.record(values[at:at + 30]) for at in range(0, 1000, 30)))
    got = {k: [] for k in ("min", "max", "first", "last")}
    while len(got["min"]) < 39:
        c = next(of_kind(view, "samples"))["channels"][0]
        assert "values" not in c and abs(c["dt_us"] - 250000) < 2500
        assert abs(c["t0_us"] - d.began // 1000 - 250000 * len(got["min"])) < 20000
        for k in got:
            got[k] += c[k]
    assert got["min"] == [0] * 39 and got["first"] == [0] * 39 and got["last"] == [24] * 39
    assert got["max"] == [24] * 13 + [60000] + [24] * 25
    view.close()


def test_alarms_are_events_and_in_the_ledger(server, cookie, place):
    d = Device(server, *place)
    queue = server.sqs.create_queue(QueueName=rig.name("q"))["QueueUrl"]
    arn = server.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = rig.name("r")
    server.events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["mulgil.measure"], "detail-type": ["Signal Alarm"],
                                                              "detail": {"stream": [d.stream]}}))
    server.events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn}])
    view = watch(server, cookie, f"measurement={d.measurement}")
    began = time.monotonic()
    d.put(*(d.record([i * 7 % 50 for i in range(20)]) for _ in range(5)))
    d.put(*(d.record([1234] * 20) for _ in range(5)))
    alarms = of_kind(view, "alarm")
    flat = next(alarms)
    assert (flat["alarm"], flat["state"], flat["channel"], flat["delivery"]) == ("flat", "begin", "red", d.delivery)
    while True:
        a = next(alarms)
        if a["alarm"] == "stalled":  # nothing more comes, and the measurement has not ended
            break
    assert (a["state"], a["stream"]) == ("begin", d.stream) and time.monotonic() - began > 0.7

    def kept():
        got = rig.http(server.console, "GET", f"/-/measurements/{d.measurement}", cookie).json()["streams"][0]["alarms"]
        return {"flat", "stalled"} <= {k["alarm"] for k in got}
    rig.until("alarms in the ledger's answer", kept)
    told = set()

    def receive():
        for m in server.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            told.add(json.loads(m["Body"])["detail"]["alarm"])
        return {"flat", "stalled"} <= told
    rig.until("events of the alarms", receive)
    d.manifest("_manifest.json", v=1, ended_at_ns=str(d.began), files=[], streams=[
        {"stream": d.stream, "last_seq": d.seq - 1, "bytes": "0", "sha256": ""}])
    ended = set()
    while {"flat", "stalled"} - ended:  # alarms end with the measurement
        a = next(alarms)
        ended.add(a["alarm"] if a["state"] == "end" else None)
    view.close()


def test_a_viewer_that_does_not_read_is_told_of_its_gap(server, cookie, place):
    d = Device(server, *place)
    slow, quick = (watch(server, cookie, f"stream={d.stream}", receive=r) for r in (4096, None))
    values = [10000 + i % 50 for i in range(5000)]
    got = of_kind(quick, "samples")
    for seq in range(120):  # 7 MB of text: more than sockets hold
        d.put(d.record(values))
        assert next(got)["seq"] == seq
    seen, gap = [], 0
    for kind, data in events(slow):
        if kind == "gap":
            gap += data["records"]
        elif kind == "samples":
            seen.append(data["seq"])
            if not gap and len(seen) % 4 == 0:
                d.put(d.record([1]))  # it is told with the next record that has room
            if gap:
                break
    assert gap > 0 and seen == sorted(set(seen)) and seen[0] == 0
    slow.close()
    quick.close()


def test_a_thousand_viewers(server, cookie, place):
    """Those of one device and those of others; half of them leave without a word."""
    d = Device(server, *place)
    host, port = server.console.split("//")[1].split(":")
    ask = "GET /-/signals?{} HTTP/1.1\r\nHost: x\r\nCookie: " + cookie["Cookie"] + "\r\n\r\n"
    sel = selectors.DefaultSelector()
    got = {}
    for i in range(VIEWERS):
        s = socket.create_connection((host, int(port)), timeout=30 * rig.SLOW)
        s.sendall(ask.format(f"stream={d.stream}" if i % 4 == 0 else f"measurement={uuid.uuid4()}").encode())
        got[s] = b""
        sel.register(s, selectors.EVENT_READ, i)

    def read(want):
        """Until want(i, bytes) holds for every viewer that is still there."""
        end = time.monotonic() + 60 * rig.SLOW
        missing = {k.fileobj for k in sel.get_map().values() if not want(k.data, got[k.fileobj])}
        while missing:
            assert time.monotonic() < end, f"{len(missing)} viewers are waiting"
            for k, _ in sel.select(1):
                got[k.fileobj] += k.fileobj.recv(65536)
                if want(k.data, got[k.fileobj]):
                    missing.discard(k.fileobj)
    read(lambda i, b: b": mulgil\n\n" in b)
    for k in list(sel.get_map().values()):
        if k.data % 2 and k.data % 4 != 1:
            sel.unregister(k.fileobj)
            k.fileobj.close()
    for _ in range(5):
        d.put(d.record(range(20)))
    read(lambda i, b: i % 4 != 0 or b.count(b"event: samples") == 5)
    assert all(b"event: samples" not in got[k.fileobj] for k in sel.get_map().values() if k.data % 4)
    for s in got:
        s.close()


def test_tail(server, place):
    d = Device(server, *place)
    got = server.run("tail", d.measurement, "--hz", "nothing", timeout=30)
    assert got.returncode == 1 and "hz: a number" in got.stderr
    assert server.run("tail").returncode == 2
    words = [rig.MULGIL, "tail", "--stream", d.stream, "--channel", "ir", "--hz", "5"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=rig.environment(MULGIL_DATA=server.data)) as tail:
        lines = []
        thread = threading.Thread(target=lambda: lines.extend(json.loads(x) for x in tail.stdout))
        thread.start()

        def more():
            d.put(d.record(range(60)))
            return lines
        first = rig.until("a line of tail", more)[0]
        tail.terminate()
        thread.join()
    assert first["stream"] == d.stream and [c["name"] for c in first["channels"]] == ["ir"] and first["channels"][0]["max"]
