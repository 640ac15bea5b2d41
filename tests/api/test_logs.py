# SPDX-License-Identifier: Apache-2.0
"""CloudWatch Logs through boto3, as far as reading a log needs it."""
import time

import pytest

import rig


@pytest.fixture
def logs(server):
    return server.client("logs")


@pytest.fixture
def group(logs):
    g = rig.name("g")
    logs.create_log_group(logGroupName=g)
    logs.create_log_stream(logGroupName=g, logStreamName="s")
    return g


def test_groups_and_streams(logs, group):
    assert [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]] == [group]
    assert [s["logStreamName"] for s in logs.describe_log_streams(logGroupName=group)["logStreams"]] == ["s"]
    assert rig.error(logs.create_log_group, logGroupName=group)[:2] == ("ResourceAlreadyExistsException", 400)
    assert rig.error(logs.create_log_stream, logGroupName=group, logStreamName="s")[:2] == ("ResourceAlreadyExistsException", 400)
    assert rig.error(logs.create_log_stream, logGroupName="absent", logStreamName="s")[:2] == ("ResourceNotFoundException", 400)
    assert rig.error(logs.get_log_events, logGroupName=group, logStreamName="absent")[:2] == ("ResourceNotFoundException", 400)


def test_events(logs, group):
    now = int(time.time() * 1000)
    given = [{"timestamp": now + i, "message": f"line {i} \u00e4"} for i in range(25)]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=given)
    got = logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True)
    assert [(e["timestamp"], e["message"]) for e in got["events"]] == [(e["timestamp"], e["message"]) for e in given]
    found, token = [], None
    while True:  # a reader that follows the tokens sees all, once, and its last token twice
        more = {"nextToken": token} if token else {"startFromHead": True}
        page = logs.get_log_events(logGroupName=group, logStreamName="s", limit=10, **more)
        found += [e["message"] for e in page["events"]]
        if page["nextForwardToken"] == token:
            break
        token = page["nextForwardToken"]
    assert found == [e["message"] for e in given]
    between = logs.get_log_events(logGroupName=group, logStreamName="s", startTime=now + 5, endTime=now + 8, startFromHead=True)
    assert [e["message"] for e in between["events"]] == [e["message"] for e in given[5:8]]


def test_filter(logs, group):
    now = int(time.time() * 1000)
    logs.create_log_stream(logGroupName=group, logStreamName="other")
    for s in ("s", "other"):
        logs.put_log_events(logGroupName=group, logStreamName=s, logEvents=[{"timestamp": now, "message": f"in {s}"}])
    got = [e["message"] for p in logs.get_paginator("filter_log_events").paginate(logGroupName=group) for e in p["events"]]
    assert sorted(got) == ["in other", "in s"]
    assert [e["message"] for e in logs.filter_log_events(logGroupName=group, logStreamNames=["s"])["events"]] == ["in s"]
    code, status, text = rig.error(logs.filter_log_events, logGroupName=group, filterPattern="x")
    assert (code, status) == ("InvalidParameterException", 400) and "filterPattern" in text


def test_put_log_events_survives_kill(make_server):
    s = make_server().start()
    logs = s.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": int(time.time() * 1000), "message": "kept"}])
    s.restart()
    assert [e["message"] for e in s.client("logs").get_log_events(logGroupName="g", logStreamName="s")["events"]] == ["kept"]
