# SPDX-License-Identifier: Apache-2.0
"""Step Functions through boto3: one machine with everything, its history, and a server that is killed under it."""
import json
import pathlib
import tempfile

import pytest

import rig

WORK = """
def handle(event):
    if event.get("mark"):
        open(event["mark"], "a").write(event["name"] + "\\n")
    if event.get("wait_for"):
        while not os.path.exists(event["wait_for"]):
            time.sleep(0.02)
    if event.get("fail_times") and event.get("count_in"):
        n = os.path.exists(event["count_in"]) and os.path.getsize(event["count_in"]) or 0
        open(event["count_in"], "a").write("x")
        if n < event["fail_times"]:
            raise KeyError("not yet")
    if event.get("fail"):
        raise ValueError(event["fail"])
    return {"doubled": event.get("n", 0) * 2}
"""


@pytest.fixture(scope="module")
def work(shared):
    return shared.function(WORK)


def machine(server, definition, **more):
    text = definition if isinstance(definition, str) else json.dumps(definition)
    return server.states.create_state_machine(name=rig.name("m"), definition=text, roleArn=rig.ROLE, **more)["stateMachineArn"]


def start(server, arn, document=None, **more):
    return server.states.start_execution(stateMachineArn=arn, input=json.dumps(document or {}), **more)["executionArn"]


def ended(server, execution, seconds=40):
    def look():
        d = server.states.describe_execution(executionArn=execution)
        return d["status"] != "RUNNING" and d
    return rig.until("the execution's end", look, seconds)


def history(server, execution):
    events = []
    for page in server.states.get_paginator("get_execution_history").paginate(executionArn=execution):
        events += page["events"]
    assert [e["id"] for e in events] == list(range(1, len(events) + 1))
    return events


def task(function, **more):
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": function, "Payload.$": "$"},
            "ResultSelector": {"doubled.$": "$.Payload.doubled"}, **more}


def everything(function):
    """Choice, Map, Parallel, Retry, Catch, Wait, Pass, intrinsics."""
    return {"StartAt": "Which", "States": {
        "Which": {"Type": "Choice", "Choices": [{"Variable": "$.kind", "StringEquals": "all", "Next": "Each"}], "Default": "No"},
        "No": {"Type": "Fail", "Error": "Unknown", "Cause": "no such kind"},
        "Each": {"Type": "Map", "ItemsPath": "$.items", "ResultPath": "$.each", "Next": "Both",
                 "ItemSelector": {"n.$": "$$.Map.Item.Value", "name": "each", "mark.$": "$.mark"},
                 "ItemProcessor": {"StartAt": "Double", "States": {"Double": task(function, End=True)}}},
        "Both": {"Type": "Parallel", "ResultPath": "$.both", "Next": "Rest", "Branches": [
            {"StartAt": "Retried", "States": {"Retried": task(function, End=True, Retry=[
                {"ErrorEquals": ["KeyError"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1}],
                Parameters={"FunctionName": function, "Payload": {"name": "retried", "n": 21, "fail_times": 1,
                                                                  "count_in.$": "$.count_in", "mark.$": "$.mark"}})}},
            {"StartAt": "Caught", "States": {
                "Caught": task(function, End=True, Catch=[{"ErrorEquals": ["ValueError"], "ResultPath": "$.error", "Next": "Mended"}],
                               Parameters={"FunctionName": function, "Payload": {"name": "caught", "fail": "as told", "mark.$": "$.mark"}}),
                "Mended": {"Type": "Pass", "Parameters": {"error.$": "$.error.Error"}, "End": True}}}]},
        "Rest": {"Type": "Wait", "Seconds": 1, "Next": "Last"},
        "Last": {"Type": "Pass", "End": True, "Parameters": {
            "each.$": "$.each[*].doubled", "both.$": "$.both",
            "text.$": "States.Format('{} of {}', States.ArrayLength($.items), $.kind)"}}}}


def given(folder):
    return {"kind": "all", "items": [1, 2, 3], "mark": str(folder / "marks"), "count_in": str(folder / "count")}


def traces(server):
    """A new folder in which the server's functions may write."""
    return pathlib.Path(tempfile.mkdtemp(dir=server.shared))


EXPECTED = {"each": [2, 4, 6], "both": [{"doubled": 42}, {"error": "ValueError"}], "text": "3 of all"}
MARKS = ["caught", "each", "each", "each", "retried", "retried"]


def test_machine_with_everything(server, work):
    folder = traces(server)
    arn = machine(server, everything(work))
    d = ended(server, start(server, arn, given(folder)))
    assert d["status"] == "SUCCEEDED", history(server, d["executionArn"])[-3:]
    assert json.loads(d["output"]) == EXPECTED
    assert sorted((folder / "marks").read_text().split()) == MARKS
    events = history(server, d["executionArn"])
    kinds = [e["type"] for e in events]
    assert (kinds[0], kinds[-1]) == ("ExecutionStarted", "ExecutionSucceeded")
    for kind, n in {"ChoiceStateEntered": 1, "MapIterationSucceeded": 3, "ParallelStateSucceeded": 1, "TaskFailed": 2,
                    "TaskSucceeded": 4, "WaitStateExited": 1}.items():
        assert kinds.count(kind) == n, (kind, kinds)
    assert all(e["previousEventId"] < e["id"] for e in events)
    back = server.states.get_execution_history(executionArn=d["executionArn"], reverseOrder=True, maxResults=2)["events"]
    assert [e["id"] for e in back] == [len(events), len(events) - 1]


def test_fail_state(server, work):
    d = ended(server, start(server, machine(server, everything(work)), {"kind": "other"}))
    assert (d["status"], d["error"], d["cause"]) == ("FAILED", "Unknown", "no such kind")


def test_task_that_fails_uncaught(server, work):
    arn = machine(server, {"StartAt": "T", "States": {"T": task(work, End=True)}})
    d = ended(server, start(server, arn, {"fail": "as told"}))
    assert (d["status"], d["error"]) == ("FAILED", "ValueError") and "as told" in d["cause"]


def test_machine_life(server):
    s, n = server.states, rig.name("m")
    one = '{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}'
    two = '{"StartAt":"B","States":{"B":{"Type":"Pass","Result":2,"End":true}}}'
    arn = s.create_state_machine(name=n, definition=one, roleArn=rig.ROLE)["stateMachineArn"]
    assert s.create_state_machine(name=n, definition=one, roleArn=rig.ROLE)["stateMachineArn"] == arn
    assert rig.error(s.create_state_machine, name=n, definition=two, roleArn=rig.ROLE)[:2] == ("StateMachineAlreadyExists", 400)
    s.update_state_machine(stateMachineArn=arn, definition=two)
    assert s.describe_state_machine(stateMachineArn=arn)["definition"] == two
    assert json.loads(ended(server, start(server, arn))["output"]) == 2
    assert arn in [m["stateMachineArn"] for p in s.get_paginator("list_state_machines").paginate() for m in p["stateMachines"]]
    s.delete_state_machine(stateMachineArn=arn)
    rig.until("the machine is gone", lambda: rig.error(s.start_execution, stateMachineArn=arn)[0] in (
        "StateMachineDoesNotExist", "StateMachineDeleting"))


def test_same_name_starts_once(server):
    arn = machine(server, {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}})
    first = start(server, arn, {"a": 1}, name="same")
    assert start(server, arn, {"a": 1}, name="same") == first
    assert rig.error(server.states.start_execution, stateMachineArn=arn, name="same",
                     input='{"a": 2}')[:2] == ("ExecutionAlreadyExists", 400)
    assert len(server.states.list_executions(stateMachineArn=arn)["executions"]) == 1
    server.states.stop_execution(executionArn=first, error="E", cause="enough")
    d = ended(server, first)
    assert (d["status"], d["error"], d["cause"]) == ("ABORTED", "E", "enough")


@pytest.mark.parametrize("definition, named", [
    ("{", ""), ({"StartAt": "X", "States": {"A": {"Type": "Succeed"}}}, "X"),
    ({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Nowhere"}}}, "Nowhere"),
    ({"StartAt": "A", "QueryLanguage": "JSONata", "States": {"A": {"Type": "Succeed"}}}, "JSONata"),
    ({"StartAt": "A", "States": {"A": {"Type": "Task", "End": True, "Resource": "arn:aws:states:::sqs:sendMessage"}}}, "sqs"),
    ({"StartAt": "A", "States": {"A": {"Type": "Task", "End": True, "HeartbeatSeconds": 5,
                                       "Resource": "arn:aws:states:::lambda:invoke"}}}, "HeartbeatSeconds"),
    ({"StartAt": "A", "States": {"A": {"Type": "Coffee", "End": True}}}, "/States/A/Type"),
])
def test_definition_that_is_refused(server, definition, named):
    before = len(server.states.list_state_machines()["stateMachines"])
    code, status, text = rig.error(machine, server, definition)
    assert (code, status) == ("InvalidDefinition", 400) and named in text, text
    assert len(server.states.list_state_machines()["stateMachines"]) == before


def test_killed_in_the_middle(make_server):
    """Killed while one task runs and others are done: it ends once, and what was done is not done again."""
    s = make_server().start()
    folder = traces(s)
    f, gate, marks = s.function(WORK, timeout=int(60 * rig.SLOW)), folder / "gate", folder / "marks"
    steps = {f"S{i}": task(f, ResultPath=None, Next=f"S{i + 1}", ResultSelector={}, Parameters={
        "FunctionName": f, "Payload": {"name": f"S{i}", "mark": str(marks), **({"wait_for": str(gate)} if i == 3 else {})}})
        for i in range(6)}
    steps["S6"] = {"Type": "Wait", "Seconds": 1, "Next": "S7"}
    steps["S7"] = {"Type": "Pass", "Result": "end", "End": True}
    arn = machine(s, {"StartAt": "S0", "States": steps})
    execution = start(s, arn, name="once")
    rig.until("the third step is running", lambda: marks.exists() and marks.read_text().split() == ["S0", "S1", "S2", "S3"])
    s.restart()
    gate.write_text("open")
    rig.until("it waits", lambda: history(s, execution)[-1]["type"] == "WaitStateEntered" or
              s.states.describe_execution(executionArn=execution)["status"] != "RUNNING", 60)
    s.restart()
    d = ended(s, execution)
    assert (d["status"], json.loads(d["output"])) == ("SUCCEEDED", "end")
    done = marks.read_text().split()
    assert [done.count(f"S{i}") for i in (0, 1, 2, 4, 5)] == [1] * 5 and done.count("S3") in (1, 2), done
    kinds = [e["type"] for e in history(s, execution)]
    assert (kinds.count("ExecutionSucceeded"), kinds.count("TaskSucceeded"), kinds.count("TaskScheduled")) == (1, 6, 6)
    assert len(s.states.list_executions(stateMachineArn=arn)["executions"]) == 1
