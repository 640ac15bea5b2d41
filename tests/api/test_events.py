# SPDX-License-Identifier: Apache-2.0
"""EventBridge through boto3: rules, targets, patterns, delivery."""
import json

import pytest

import rig


def stream_arn(name):
    return f"arn:aws:firehose:{rig.REGION}:{rig.ACCOUNT}:deliverystream/{name}"


def documents(server, bucket):
    text, found, at = b"".join(v for _, v in sorted(server.objects(bucket).items())).decode(), [], 0
    while at < len(text):
        one, at = json.JSONDecoder().raw_decode(text, at)
        found.append(one)
        while at < len(text) and text[at].isspace():
            at += 1
    return found


@pytest.fixture
def sink(server):
    """A bucket and the ARN of a stream into it."""
    b = server.bucket()
    return b, stream_arn(server.stream(b))


@pytest.fixture
def rule(server):
    """Makes rules with one target; takes them away again."""
    made = []

    def make(pattern, arn, **target):
        r = rig.name("r")
        server.events.put_rule(Name=r, EventPattern=json.dumps(pattern))
        assert server.events.put_targets(Rule=r, Targets=[
            {"Id": "t", "Arn": arn, "RoleArn": rig.ROLE, **target}])["FailedEntryCount"] == 0
        made.append(r)
        return r

    yield make
    for r in made:
        server.events.remove_targets(Rule=r, Ids=["t"])
        server.events.delete_rule(Name=r)


def put(server, source, detail, kind="Test"):
    r = server.events.put_events(Entries=[{"Source": source, "DetailType": kind, "Detail": json.dumps(detail)}])
    assert r["FailedEntryCount"] == 0
    return r["Entries"][0]["EventId"]


def test_rule_life(server):
    e, r = server.events, rig.name("r")
    arn = e.put_rule(Name=r, EventPattern='{"source":["a"]}', Description="d")["RuleArn"]
    assert arn == f"arn:aws:events:{rig.REGION}:{rig.ACCOUNT}:rule/{r}"
    assert (lambda d: (d["State"], d["EventPattern"], d["Description"]))(e.describe_rule(Name=r)) == (
        "ENABLED", '{"source":["a"]}', "d")
    e.disable_rule(Name=r)
    assert e.describe_rule(Name=r)["State"] == "DISABLED"
    e.enable_rule(Name=r)
    assert [x["Name"] for x in e.list_rules(NamePrefix=r)["Rules"]] == [r]
    e.put_targets(Rule=r, Targets=[{"Id": "1", "Arn": stream_arn("x"), "RoleArn": rig.ROLE, "InputPath": "$.detail"}])
    assert [(t["Id"], t["InputPath"]) for t in e.list_targets_by_rule(Rule=r)["Targets"]] == [("1", "$.detail")]
    assert rig.error(e.delete_rule, Name=r)[1] == 400
    assert e.remove_targets(Rule=r, Ids=["1"])["FailedEntryCount"] == 0
    e.delete_rule(Name=r)
    for call in (e.describe_rule, e.enable_rule, e.disable_rule):
        assert rig.error(call, Name=r)[:2] == ("ResourceNotFoundException", 400)
    assert rig.error(e.put_targets, Rule=r, Targets=[{"Id": "1", "Arn": stream_arn("x")}])[0] == "ResourceNotFoundException"
    assert rig.error(e.list_targets_by_rule, Rule=r)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize("pattern", ['{"source":"a"}', '{"source":[]}', "{", "[]", '{"detail":{"x":[{"prefx":"a"}]}}',
                                     '{"detail":{"x":[{"numeric":["<"]}]}}'])
def test_wrong_pattern(server, pattern):
    assert rig.error(server.events.put_rule, Name="never", EventPattern=pattern)[:2] == ("InvalidEventPatternException", 400)
    assert rig.error(server.events.describe_rule, Name="never")[0] == "ResourceNotFoundException"


@pytest.mark.parametrize("target, code, named", [
    ({"Arn": f"arn:aws:sns:{rig.REGION}:{rig.ACCOUNT}:t"}, "ValidationException", "sns"),
    ({"Arn": stream_arn("x"), "RetryPolicy": {"MaximumRetryAttempts": 1}}, "ValidationException", "RetryPolicy"),
    ({"Arn": stream_arn("x"), "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{rig.REGION}:{rig.ACCOUNT}:q"}},
     "ValidationException", "DeadLetterConfig"),
])
def test_target_that_is_not_supported(server, rule, sink, target, code, named):
    r = rule({"source": [rig.name()]}, sink[1])
    try:
        answer = server.events.put_targets(Rule=r, Targets=[{"Id": "never", "RoleArn": rig.ROLE, **target}])
        assert answer["FailedEntryCount"] == 1
        got, text = answer["FailedEntries"][0]["ErrorCode"], answer["FailedEntries"][0]["ErrorMessage"]
    except rig.CLIENT_ERROR as e:
        got, text = e.response["Error"]["Code"], e.response["Error"]["Message"]
    assert got == code and named.lower() in text.lower()
    assert [t["Id"] for t in server.events.list_targets_by_rule(Rule=r)["Targets"]] == ["t"]


EVENT = {"version": "0", "id": "i", "detail-type": "T", "source": "aws.s3", "account": rig.ACCOUNT, "time": "2026-01-01T00:00:00Z",
         "region": rig.REGION, "resources": ["r1", "r2"], "detail": {"k": "a/b.json", "n": 5, "o": {"z": None}, "b": True}}


@pytest.mark.parametrize("pattern, matches", [
    ({"source": ["aws.s3"]}, True), ({"source": ["x", "aws.s3"]}, True), ({"source": ["aws"]}, False),
    ({"resources": ["r2"]}, True), ({"detail": {"k": [{"prefix": "a/"}]}}, True), ({"detail": {"k": [{"suffix": ".json"}]}}, True),
    ({"detail": {"k": [{"suffix": ".jso"}]}}, False), ({"detail": {"k": [{"anything-but": ["x"]}]}}, True),
    ({"detail": {"k": [{"anything-but": "a/b.json"}]}}, False), ({"detail": {"k": [{"anything-but": {"prefix": "a"}}]}}, False),
    ({"detail": {"n": [{"numeric": [">", 4, "<=", 5]}]}}, True), ({"detail": {"n": [{"numeric": ["<", 5]}]}}, False),
    ({"detail": {"n": [5]}}, True), ({"detail": {"n": ["5"]}}, False), ({"detail": {"o": {"z": [None]}}}, True),
    ({"detail": {"missing": [{"exists": False}]}}, True), ({"detail": {"k": [{"exists": True}]}}, True),
    ({"detail": {"b": [True]}, "source": ["no"]}, False),
])
def test_pattern(server, pattern, matches):
    assert server.events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(EVENT))["Result"] is matches


def test_event_reaches_its_target_and_no_other(server, rule, sink):
    source = rig.name("src")
    rule({"source": [source], "detail": {"n": [{"numeric": [">", 1]}]}}, sink[1])
    ids = [put(server, source, {"n": n}) for n in (1, 2, 3)]
    put(server, "other", {"n": 5})
    got = rig.until("two events", lambda: (lambda d: len(d) >= 2 and d)(documents(server, sink[0])))
    assert [(e["id"], e["detail"], e["source"], e["detail-type"]) for e in sorted(got, key=lambda e: e["detail"]["n"])] == [
        (ids[1], {"n": 2}, source, "Test"), (ids[2], {"n": 3}, source, "Test")]


@pytest.mark.parametrize("target, expected", [
    ({"InputPath": "$.detail"}, {"n": 2}),
    ({"Input": '{"fixed": true}'}, {"fixed": True}),
    ({"InputTransformer": {"InputPathsMap": {"n": "$.detail.n", "s": "$.detail-type"},
                           "InputTemplate": '{"number": <n>, "kind": "<s>!"}'}}, {"number": 2, "kind": "Test!"}),
])
def test_input_of_a_target(server, rule, sink, target, expected):
    source = rig.name("src")
    rule({"source": [source]}, sink[1], **target)
    put(server, source, {"n": 2})
    assert rig.until("the event", lambda: documents(server, sink[0])) == [expected]


def test_disabled_rule_gets_nothing(server, rule, sink):
    source = rig.name("src")
    off = rule({"source": [source]}, sink[1])
    server.events.disable_rule(Name=off)
    put(server, source, {"n": 1})
    rule({"source": [source]}, sink[1], Input='{"marker": 1}')
    put(server, source, {"n": 2})
    rig.until("the marker", lambda: {"marker": 1} in documents(server, sink[0]))
    assert documents(server, sink[0]) == [{"marker": 1}]


def test_entries_are_judged_one_by_one(server):
    r = server.events.put_events(Entries=[
        {"Source": "a", "DetailType": "T", "Detail": "{}"}, {"Source": "a", "DetailType": "T", "Detail": "no json"},
        {"DetailType": "T", "Detail": "{}"}])
    assert r["FailedEntryCount"] == 2
    assert "EventId" in r["Entries"][0] and r["Entries"][1]["ErrorCode"] == "MalformedDetail"
    assert r["Entries"][2]["ErrorCode"] == "InvalidArgument"


def test_events_survive_kill(make_server):
    s = make_server().start()
    b = s.bucket()
    arn = stream_arn(s.stream(b))
    s.events.put_rule(Name="r", EventPattern='{"source":["k"]}')
    s.events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn, "RoleArn": rig.ROLE}])
    ids = [put(s, "k", {"n": n}) for n in range(20)]
    s.restart()
    rig.until("20 events", lambda: {e["id"] for e in documents(s, b)} >= set(ids))
