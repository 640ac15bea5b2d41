# SPDX-License-Identifier: Apache-2.0
"""Every record sent up to three times, shuffled, with crashes in between: exact in the lake, exact in the ledger.

MULGIL_RECORDS sets how many records there are (20,000; the full size is 200,000).
"""
import json
import os
import random
import threading

import botocore.exceptions

from lake import Lake, envelope, payload, sample
from rig import until

RECORDS = int(os.environ.get("MULGIL_RECORDS", "20000"))
STREAMS = 8
CRASHES = 3
SENDERS = 4


def plan(rng, streams, per_stream):
    """(stream, seq) in the order of sending: each once, twice or three times, now and then far from its place."""
    order = []
    for seq in range(per_stream):
        for s in streams:
            for k in range(rng.choice((1, 1, 2, 3))):
                order.append((seq + rng.choice((0, 1, 40, 400) if k else (0, 0, 0, 3, 60)), s, seq))
    order.sort(key=lambda x: (x[0], rng.random()))
    return [(s, seq) for _, s, seq in order]


class Senders:
    """Send what is planned, again and again until it is acknowledged, whatever happens to the server."""

    def __init__(self, lake, order):
        self.lake, self.order, self.at, self.lock, self.failed = lake, order, 0, threading.Lock(), []
        self.threads = [threading.Thread(target=self.run) for _ in range(SENDERS)]
        for t in self.threads:
            t.start()

    def take(self):
        with self.lock:
            batch = self.order[self.at:self.at + 500]
            self.at += len(batch)
            return batch

    def run(self):
        while True:
            batch = self.take()
            if not batch:
                return
            records = [envelope(s, seq, payload(seq)) for s, seq in batch]
            try:
                until("the records are acknowledged", lambda: self.sent(records), 120)
            except AssertionError as e:
                self.failed.append(e)
                return

    def sent(self, records):
        try:
            self.lake.put(records)
            return True
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return False  # the server is away; some may have been stored


def test_exact_whatever_happens(make_server):
    server = make_server(**{"compaction-quiet-s": 1, "log-level": "warn"}).start()
    lake, rng = Lake(server), random.Random(7)
    measurement, streams = lake.begin(streams=STREAMS)
    per_stream = RECORDS // STREAMS
    order = plan(rng, streams, per_stream)
    senders = Senders(lake, order)
    for k in range(CRASHES):
        until("a part is sent", lambda: senders.at >= len(order) * (k + 1) // (CRASHES + 1) or senders.failed, 600)
        server.restart()
    for t in senders.threads:
        t.join()
    assert not senders.failed
    server.restart()  # and once more with everything in the log
    lake.end(measurement, {s: per_stream - 1 for s in streams})

    def settled():
        p = server.run("measure", "show", measurement, "--output", "json")
        found = json.loads(p.stdout) if p.returncode == 0 else {"streams": []}
        return found if found["streams"] and all(s["decoded"] == per_stream for s in found["streams"]) else None

    found = until("the ledger has taken everything in", settled, 300)
    for s in found["streams"]:
        # Repetitions: all that were planned, and what was stored before a crash and sent again.
        planned = sum(1 for stream, _ in order if stream == s["stream"]) - per_stream
        assert (s["expected"], s["received"], s["missing"], s["conflicts"], s["quarantined"]) == (per_stream, per_stream, [], 0, 0)
        assert s["duplicates"] >= planned and s["samples"] == per_stream
    rows = lake.query("select stream_id, count(*), count(distinct seq), min(seq), max(seq), sum(cast(\"values\"[1] as bigint)) from sensor"
                      " where channel = 'red' group by stream_id")
    want = [str(per_stream), str(per_stream), "0", str(per_stream - 1), str(sum(sample(i) for i in range(per_stream)))]
    assert {r[0]: r[1:] for r in rows} == {s: want for s in streams}
    assert server.run("verify").returncode in (0, 6)  # 6: the manifest here has no digests
