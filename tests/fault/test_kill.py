# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments while clients write; then every acknowledged id is accounted for."""
import collections
import json
import random
import threading

import botocore.exceptions

import rig

ROUNDS = 8
SEED = 20260714
GONE = (botocore.exceptions.ConnectionError, botocore.exceptions.HTTPClientError, botocore.exceptions.ClientError, OSError)

STARTED = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Wait", "Seconds": 1, "Next": "C"},
                                      "C": {"Type": "Pass", "Result": "end", "End": True}}}
TOLD = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


class Writer(threading.Thread):
    """Calls @once(n) again and again until the server is gone; what was sent, and what of it was acknowledged."""

    def __init__(self, once, acked, count):
        super().__init__(daemon=True)
        self.once, self.acked, self.count, self.stop = once, acked, count, False
        self.strange = None

    def run(self):
        while not self.stop:
            try:
                self.acked.update(self.once())
                self.count.release()
            except GONE as e:
                # A server that is being killed may close the connection, never say that something was wrong.
                if isinstance(e, botocore.exceptions.ClientError):
                    self.strange = e
                return


class Clients:
    """What the four writers do; ids go on over all rounds."""

    def __init__(self, server):
        self.server = server
        self.sent = collections.Counter()
        self.acked = {k: {} for k in ("objects", "records", "events", "executions")}
        self.bucket, self.sink, self.heard = server.bucket(), server.bucket(), server.bucket()
        self.stream = server.stream(self.sink)
        listener = server.stream(self.heard)
        arn = f"arn:aws:firehose:{rig.REGION}:{rig.ACCOUNT}:deliverystream/{listener}"
        machines = [server.states.create_state_machine(name=n, definition=json.dumps(d), roleArn=rig.ROLE)["stateMachineArn"]
                    for n, d in (("started", STARTED), ("told", TOLD))]
        self.machine, self.told = machines
        server.events.put_rule(Name="r", EventPattern='{"source":["kill"]}')
        server.events.put_targets(Rule="r", Targets=[{"Id": "stream", "Arn": arn, "RoleArn": rig.ROLE},
                                                     {"Id": "machine", "Arn": self.told, "RoleArn": rig.ROLE}])

    def number(self, kind):
        self.sent[kind] += 1
        return self.sent[kind]

    def put_object(self):
        n = self.number("objects")
        size = (17, 5000, 200_000, 1_500_000)[n % 4]
        body = n.to_bytes(4, "big") * (size // 4)
        self.server.s3.put_object(Bucket=self.bucket, Key=f"k{n}", Body=body)
        return {f"k{n}": body}

    def put_records(self):
        first = self.number("records") * 100
        records = [f"<{first + i}>" for i in range(20)]
        r = self.server.firehose.put_record_batch(DeliveryStreamName=self.stream, Records=[{"Data": x.encode()} for x in records])
        assert r["FailedPutCount"] == 0
        return {x: a["RecordId"] for x, a in zip(records, r["RequestResponses"])}

    def put_events(self):
        n = self.number("events")
        r = self.server.events.put_events(Entries=[{"Source": "kill", "DetailType": "T", "Detail": json.dumps({"n": n})}] * 2)
        return {e["EventId"]: n for e in r["Entries"]}

    def start_execution(self):
        n = self.number("executions")
        r = self.server.states.start_execution(stateMachineArn=self.machine, name=f"e{n}", input=json.dumps({"n": n}))
        return {r["executionArn"]: n}

    def round(self, rng):
        """Writes until a random number of calls was acknowledged, and kills the server under the writers."""
        count = threading.Semaphore(0)
        work = {"objects": self.put_object, "records": self.put_records, "events": self.put_events, "executions": self.start_execution}
        for service in ("s3", "firehose", "events", "stepfunctions"):
            self.server.client(service)  # made here: making clients is not for several threads at once
        writers = [Writer(once, self.acked[kind], count) for kind, once in work.items()]
        for w in writers:
            w.start()
        for _ in range(rng.randint(5, 80)):
            assert count.acquire(timeout=30 * rig.SLOW), "nothing is acknowledged any more"
        self.server.kill()
        for w in writers:
            w.join(60 * rig.SLOW)
            assert not w.is_alive() and not w.strange, w.strange
        self.server.start()


def texts(server, bucket):
    return b"".join(v for _, v in sorted(server.objects(bucket).items())).decode()


def check_objects(c):
    found = c.server.objects(c.bucket)
    for key, body in c.acked["objects"].items():
        assert found.get(key) == body, f"acknowledged object {key} is lost or changed"
    for key, body in found.items():  # what was not acknowledged is there whole, or not at all
        n = int(key[1:])
        assert body == n.to_bytes(4, "big") * ((17, 5000, 200_000, 1_500_000)[n % 4] // 4), key


def check_records(c):
    def delivered():
        text = texts(c.server, c.sink)
        return all(r in text for r in c.acked["records"]) and text
    text = rig.until("all acknowledged records in the bucket", delivered, 30)
    seen = collections.Counter(text.replace(">", "> ").split())
    assert [x for x, n in seen.items() if n > 1] == [], "records delivered twice"
    assert len(set(c.acked["records"].values())) == len(c.acked["records"]), "two records have one id"


def check_events(c):
    rig.until("all acknowledged events at the stream", lambda: set(c.acked["events"]) <= {
        e.split('"', 1)[0] for e in texts(c.server, c.heard).replace('"id": "', '"id":"').split('"id":"')[1:]}, 30)

    def executions():
        names = [e["name"] for p in c.server.states.get_paginator("list_executions").paginate(stateMachineArn=c.told)
                 for e in p["executions"]]
        return all(any(n.startswith(i) for n in names) for i in c.acked["events"]) and names
    names = rig.until("an execution for every acknowledged event", executions, 30)
    per_event = collections.Counter(n.rsplit("_", 1)[0] for n in names)
    assert set(per_event.values()) == {1}, "an event started two executions"


def check_executions(c):
    def ended():
        found = {e["executionArn"]: e["status"] for p in c.server.states.get_paginator("list_executions").paginate(
            stateMachineArn=c.machine) for e in p["executions"]}
        return set(c.acked["executions"]) <= set(found) and set(found.values()) == {"SUCCEEDED"} and found
    for arn in rig.until("all executions' ends", ended, 60):
        kinds = [e["type"] for e in c.server.states.get_execution_history(executionArn=arn)["events"]]
        assert kinds == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "WaitStateEntered", "WaitStateExited",
                         "PassStateEntered", "PassStateExited", "ExecutionSucceeded"], kinds


def test_kill_while_clients_write(make_server):
    server = make_server(**{"log-level": "info"}).start()
    c = Clients(server)
    rng = random.Random(SEED)
    left, most = 3 if rig.SANITIZED else ROUNDS, 10 * ROUNDS
    while left > 0 or any(len(ids) <= 8 for ids in c.acked.values()):  # a slow writer gets more rounds
        assert most > 0, {k: len(v) for k, v in c.acked.items()}
        c.round(rng)
        check_objects(c)
        left, most = left - 1, most - 1
    check_records(c)
    check_events(c)
    check_executions(c)
