# SPDX-License-Identifier: Apache-2.0
"""`mulgil replay`: tablets at their real pace against a server, and what it says of them."""
import json
import os
import signal
import threading
import time

import pytest

import rig


@pytest.fixture
def pipeline(make_server):
    server = make_server().start()
    assert server.run("deploy").returncode == 0
    return server


def replay(server, *words):
    p = server.run("replay", "--output", "json", *words, timeout=120)
    return p, json.loads(p.stdout) if p.stdout else None


def test_everything_is_counted_at_its_pace(pipeline):
    began = time.monotonic()
    p, found = replay(pipeline, "--people", "6", "--seconds", "4", "--slow-viewers", "2", "--beside", "SELECT count(*) FROM sensor")
    assert p.returncode == 0, p.stderr
    assert time.monotonic() - began > 4
    assert found["expected"] == found["acknowledged"] == found["received"] > 100
    assert found["missing"] == found["duplicates"] == found["queries_failed"] == 0
    for what in ("acknowledged", "live", "sql"):
        ms = found["ms"][what]
        assert ms["n"] == found["expected"], what
        assert 0 <= ms["p50"] <= ms["p99"] <= ms["max"]
    assert found["ms"]["live"]["p50"] > 0 and found["server_memory_kib"] > 0


def test_what_stalls_is_charged_for_all_that_waited(pipeline):
    """The server stands still for two seconds: a closed loop would see a few long requests, the open one sees all that were due."""
    at = pipeline.log_size()

    def stall():
        rig.until("records are coming", lambda: "PutRecordBatch 200" in pipeline.log(at), 30)
        os.kill(pipeline.process.pid, signal.SIGSTOP)
        try:
            threading.Event().wait(2)
        finally:
            os.kill(pipeline.process.pid, signal.SIGCONT)

    t = threading.Thread(target=stall)
    t.start()
    p, found = replay(pipeline, "--people", "2", "--seconds", "8", "--no-sql", "--viewers", "0")
    t.join()
    assert p.returncode == 0, p.stderr
    assert found["received"] == found["expected"]
    # A quarter of the records was due while it stood, and half of those waited for more than a second.
    assert found["ms"]["acknowledged"]["max"] > 1500 and found["ms"]["acknowledged"]["p99"] > 1000


def test_errors_say_what_to_do(make_server):
    server = make_server().start()
    p, _ = replay(server)
    assert p.returncode == 1 and "mulgil deploy" in p.stderr
    for words, what in ((["--people", "0"], "--people"), (["--seconds", "x"], "--seconds"), (["--viewers", "11"], "--viewers"),
                        (["--layout", "no.such"], "no.such")):
        p, _ = replay(server, *words)
        assert p.returncode in (1, 2) and what in p.stderr
