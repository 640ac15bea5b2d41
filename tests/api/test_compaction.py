# SPDX-License-Identifier: Apache-2.0
"""Small files of samples become few, and no reader sees a sample twice or not at all."""
import threading

from lake import COLUMNS, Lake, envelope, payload
from rig import until

COUNT = "select count(*), count(distinct seq), sum(seq) from sensor where channel = 'red'"


def exact(n):
    return [str(n), str(n), str(n * (n - 1) // 2)]


def fill(lake, stream, rounds, per_round=10):
    """A commit of its own for each round."""
    for k in range(rounds):
        lake.put([envelope(stream, k * per_round + i, payload(k * per_round + i)) for i in range(per_round)])
        want = exact((k + 1) * per_round)
        until("the samples are there", lambda: lake.query(COUNT) == [want], 30)


def merged(lake):
    return [o["Key"] for o in lake.files() if "-merged-" in o["Key"]]


def test_files_are_merged_under_queries(make_server):
    server = make_server(**{"compaction-quiet-s": 1}).start()
    lake = Lake(server)
    _, (stream,) = lake.begin()
    wrong, stop = [], threading.Event()

    def ask():
        seen = 0
        while not stop.is_set():
            n, distinct, _ = lake.query(COUNT)[0]
            if n != distinct or int(n) < seen:
                wrong.append((n, distinct, seen))
            seen = int(n)

    reader = threading.Thread(target=ask)
    reader.start()
    try:
        fill(lake, stream, 24)
        until("few files are left", lambda: merged(lake) and len(lake.files()) < 4, 60)
    finally:
        stop.set()
        reader.join()
    assert not wrong
    assert lake.query(COUNT) == [exact(240)]
    rows = lake.query("select seq, \"values\"[1] from sensor where channel = 'red' order by seq")
    assert [int(v) for _, v in rows] == [int.from_bytes(payload(i)[:3], "big") for i in range(240)]
    server.restart()
    assert lake.query(COUNT) == [exact(240)]


def test_what_is_not_ours_or_has_other_columns_is_left(make_server):
    server = make_server(**{"compaction-quiet-s": 1}).start()
    lake = Lake(server)
    _, (stream,) = lake.begin()
    fill(lake, stream, 3)
    older = {o["Key"] for o in lake.files()}
    place = sorted(older)[0].rsplit("/", 1)[0]
    server.s3.copy_object(Bucket=lake.raw, Key="copy.parquet", CopySource={"Bucket": lake.processed, "Key": sorted(older)[0]})
    body = server.s3.get_object(Bucket=lake.raw, Key="copy.parquet")["Body"].read()
    server.s3.put_object(Bucket=lake.processed, Key=f"{place}/users-own.parquet", Body=body)
    server.glue.update_table(DatabaseName=lake.database, TableInput=lake.table({}, added="string"))
    lake.put([envelope(stream, 30 + i, payload(30 + i)) for i in range(10)])
    for k in range(4, 10):
        until("the samples are there", lambda: lake.query("select count(distinct seq) from sensor") == [[str(k * 10)]], 30)
        lake.put([envelope(stream, k * 10 + i, payload(k * 10 + i)) for i in range(10)])
    until("the newer ones are merged", lambda: merged(lake), 60)
    now = {o["Key"] for o in lake.files()}
    assert older <= now and f"{place}/users-own.parquet" in now
    assert lake.query("select count(distinct seq) from sensor") == [["100"]]


def test_it_can_be_switched_off(make_server):
    server = make_server(**{"compaction-quiet-s": 1}).start()
    off, on = Lake(server, **{"mulgil.compaction": "off"}), Lake(server)
    for lake in (off, on):
        _, (stream,) = lake.begin()
        fill(lake, stream, 6)
    until("the other one is merged", lambda: merged(on), 60)
    assert not merged(off) and len(off.files()) == 6 and len(COLUMNS) == 18
