# SPDX-License-Identifier: Apache-2.0
"""Lambda through boto3: functions in Python that speak the runtime API, their logs, time-outs and crashes, function URLs."""
import base64
import hashlib
import io
import json
import os
import zipfile

import pytest

import rig

ECHO = """
calls = 0
def handle(event):
    global calls
    calls += 1
    if "print" in event:
        print(event["print"])
    if "fail" in event:
        raise ValueError(event["fail"])
    if "sleep" in event:
        time.sleep(event["sleep"])
    if "exit" in event:
        os._exit(event["exit"])
    if "put" in event:
        open(event["put"], "a").write("x")
    return {"event": event, "calls": calls, "pid": os.getpid(), "env": os.environ.get("GIVEN"), "key": os.environ.get("AWS_ACCESS_KEY_ID", "")}
"""


@pytest.fixture(scope="module")
def echo(shared):
    return shared.function(ECHO, Environment={"Variables": {"GIVEN": "by the test"}})


def invoke(server, function, event=None, **more):
    r = server.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event or {}).encode(), **more)
    return json.loads(r["Payload"].read() or b"null"), r


def test_function_life(server):
    f = server.client("lambda")
    n, code = rig.name("f"), rig.package(ECHO)
    made = f.create_function(FunctionName=n, Role=rig.ROLE, Runtime="provided.al2023", Handler="bootstrap", Description="d",
                             Timeout=7, MemorySize=256, Code={"ZipFile": code})
    assert made["FunctionArn"] == f"arn:aws:lambda:{rig.REGION}:{rig.ACCOUNT}:function:{n}"
    assert made["CodeSha256"] == base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert (made["CodeSize"], made["State"], made["Timeout"], made["MemorySize"]) == (len(code), "Active", 7, 256)
    assert f.get_function(FunctionName=n)["Configuration"]["CodeSha256"] == made["CodeSha256"]
    assert f.get_function_configuration(FunctionName=made["FunctionArn"])["Description"] == "d"
    assert n in [x["FunctionName"] for p in f.get_paginator("list_functions").paginate() for x in p["Functions"]]
    assert rig.error(f.create_function, FunctionName=n, Role=rig.ROLE, Runtime="provided.al2023", Handler="b",
                     Code={"ZipFile": code})[:2] == ("ResourceConflictException", 409)
    assert invoke(server, n)[0]["calls"] == 1
    changed = f.update_function_code(FunctionName=n, ZipFile=rig.package("def handle(event):\n    return 'new'"))
    assert changed["CodeSha256"] != made["CodeSha256"]
    assert invoke(server, n)[0] == "new"
    f.update_function_configuration(FunctionName=n, Timeout=9)
    assert f.get_function_configuration(FunctionName=n)["Timeout"] == 9
    f.delete_function(FunctionName=n)
    for call in (f.get_function, f.delete_function, f.invoke):
        assert rig.error(call, FunctionName=n)[:2] == ("ResourceNotFoundException", 404)


@pytest.mark.parametrize("more, named", [({"Runtime": "python3.11"}, "python3.11"), ({"Layers": ["arn:aws:lambda:x:1:layer:x:1"]}, "layers"),
                                         ({"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:x:1:x"}}, "deadletterconfig"),
                                         ({"TracingConfig": {"Mode": "Active"}}, "tracingconfig")])
def test_what_is_not_supported_is_refused(server, more, named):
    n = rig.name("f")
    code, status, text = rig.error(server.client("lambda").create_function, **{
        "FunctionName": n, "Role": rig.ROLE, "Runtime": "provided.al2023", "Handler": "b",
        "Code": {"ZipFile": rig.package(ECHO)}, **more})
    assert (code, status) == ("InvalidParameterValueException", 400) and named in text.lower()
    assert rig.error(server.client("lambda").get_function, FunctionName=n)[1] == 404


@pytest.mark.parametrize("zipped", [b"no zip", b""])
def test_code_that_is_no_zip(server, zipped):
    assert rig.error(server.client("lambda").create_function, FunctionName=rig.name("f"), Role=rig.ROLE, Runtime="provided.al2023",
                     Handler="b", Code={"ZipFile": zipped})[:2] == ("InvalidParameterValueException", 400)


def test_zip_that_leaves_its_folder(server):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("../../outside", "x")
        z.writestr("bootstrap", "x")
    n = rig.name("f")
    f = server.client("lambda")
    f.create_function(FunctionName=n, Role=rig.ROLE, Runtime="provided.al2023", Handler="b", Code={"ZipFile": out.getvalue()})
    code, _, text = rig.error(f.invoke, FunctionName=n)
    assert code == "InvalidParameterValueException" and "../../outside" in text
    for folder, _, files in os.walk(server.folder.name):
        assert "outside" not in files, folder


def test_invoke(server, echo):
    got, r = invoke(server, echo, {"a": [1, "\u00e4"]})
    assert (got["event"], got["env"]) == ({"a": [1, "\u00e4"]}, "by the test")
    assert (r["StatusCode"], r["ExecutedVersion"]) == (200, "$LATEST") and "FunctionError" not in r
    assert got["key"].startswith("ASIA") and got["key"] != rig.ACCESS_KEY


def test_warm_child_is_used_again(server, echo):
    first, second = invoke(server, echo)[0], invoke(server, echo)[0]
    assert first["pid"] == second["pid"] and second["calls"] == first["calls"] + 1


def test_log_tail(server, echo):
    got, r = invoke(server, echo, {"print": "seen in the tail"}, LogType="Tail")
    tail = base64.b64decode(r["LogResult"]).decode()
    assert "seen in the tail" in tail
    group = f"/aws/lambda/{echo}"  # made after the answer
    rig.until("the log group", lambda: server.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"])
    assert rig.until("the message", lambda: [
        e for s in server.client("logs").describe_log_streams(logGroupName=group)["logStreams"]
        for e in server.client("logs").get_log_events(logGroupName=group, logStreamName=s["logStreamName"],
                                                      startFromHead=True)["events"]
        if "seen in the tail" in e["message"]])


def test_error_of_a_function(server, echo):
    got, r = invoke(server, echo, {"fail": "as told"})
    assert r["FunctionError"] == "Unhandled" and r["StatusCode"] == 200
    assert (got["errorType"], got["errorMessage"]) == ("ValueError", "as told")


def test_crash_of_the_child(server, echo):
    got, r = invoke(server, echo, {"exit": 3})
    assert r["FunctionError"] == "Unhandled" and "errorType" in got
    assert invoke(server, echo)[0]["calls"] == 1  # another child


def test_time_out(server):
    f = server.function(ECHO, timeout=1)
    got, r = invoke(server, f, {"sleep": 600})
    assert r["FunctionError"] == "Unhandled" and "timed out" in got["errorMessage"].lower()


def test_bootstrap_that_does_not_start(server):
    f = server.function("raise SystemExit(1)")
    got, r = invoke(server, f)
    assert r["FunctionError"] == "Unhandled" and "errorType" in got


def test_event_that_is_no_json(server, echo):
    assert rig.error(server.client("lambda").invoke, FunctionName=echo, Payload=b"{")[:2] == ("InvalidRequestContentException", 400)


def test_dry_run(server, echo):
    assert server.client("lambda").invoke(FunctionName=echo, InvocationType="DryRun")["StatusCode"] == 204


def test_function_url(server, echo):
    f = server.client("lambda")
    assert rig.error(f.get_function_url_config, FunctionName=echo)[:2] == ("ResourceNotFoundException", 404)
    url = f.create_function_url_config(FunctionName=echo, AuthType="AWS_IAM")["FunctionUrl"]
    assert url.startswith(server.endpoint)
    target = url[len(server.endpoint):] + "some/path?a=1&b=%20"
    assert rig.http(server.endpoint, "GET", target).status == 403
    assert rig.signed(server, "lambda", "GET", target, secret="wrong-wrong-wrong").status == 403
    assert rig.signed(server, "s3", "GET", target).status == 403
    got = rig.signed(server, "lambda", "POST", target, b'{"x":1}', {"Content-Type": "application/json"})
    assert got.status == 200, got.body
    event = got.json()["event"]
    assert (event["version"], event["rawPath"], event["body"], event["isBase64Encoded"]) == ("2.0", "/some/path", '{"x":1}', False)
    assert event["queryStringParameters"] == {"a": "1", "b": " "}
    assert event["requestContext"]["http"]["method"] == "POST"
    f.delete_function_url_config(FunctionName=echo)
    assert rig.signed(server, "lambda", "GET", target).status == 404


def test_function_url_answer_of_its_own(server):
    f = server.function("def handle(event):\n    return {'statusCode': 418, 'headers': {'x-pot': 'tea'}, 'body': 'c2hvcnQ=', 'isBase64Encoded': True}")
    url = server.client("lambda").create_function_url_config(FunctionName=f, AuthType="AWS_IAM")["FunctionUrl"]
    got = rig.signed(server, "lambda", "GET", url[len(server.endpoint):])
    assert (got.status, got.headers["x-pot"], got.body) == (418, "tea", b"short")


def test_unsigned_url_is_refused(server, echo):
    assert rig.error(server.client("lambda").create_function_url_config, FunctionName=echo, AuthType="NONE")[1] == 400


def test_async_invocation_survives_kill(make_server):
    """Acknowledged while every child was busy, or just before the end: run after the restart."""
    s = make_server().start()
    bucket = s.bucket()
    f = s.function(ASYNC)
    for n in range(5):
        assert s.client("lambda").invoke(FunctionName=f, InvocationType="Event", Payload=json.dumps(
            {"bucket": bucket, "n": n}).encode())["StatusCode"] == 202
    s.restart()
    rig.until("all five", lambda: set(s.objects(bucket)) == {str(n) for n in range(5)}, 40)


def test_a_function_does_not_see_the_servers_data(server):
    """Neither the root key nor other files of the data folder, nor what the server has in its environment."""
    f = server.function("""
import os
def attempt(path):
    try:
        with open(path, "rb") as f:
            return len(f.read())
    except OSError as e:
        return e.__class__.__name__
def handle(event):
    with open(os.path.join(os.environ["TMPDIR"], "own"), "w") as f:
        f.write("own")
    return [attempt(p) for p in event["paths"]] + [attempt(os.path.join(os.environ["TMPDIR"], "own"))]
""")
    data = os.path.abspath(server.data)
    paths = [os.path.join(data, "endpoint.json"), os.path.join(data, "meta", "meta.sqlite")]
    if rig.SLOW == 1:  # sanitizers' runtimes need /proc
        paths += [f"/proc/{server.process.pid}/environ", f"/proc/{server.process.pid}/maps"]
    answer = json.loads(server.client("lambda").invoke(FunctionName=f, Payload=json.dumps({"paths": paths}).encode())["Payload"].read())
    assert answer == ["PermissionError"] * len(paths) + [3]


# Puts an object with the key that the function was given; signed by hand, since there is no SDK in a bare child.
ASYNC = """
import datetime, hashlib, hmac
def put(bucket, key):
    host = os.environ["AWS_ENDPOINT_URL"].split("//")[1]
    now = datetime.datetime.utcnow().strftime("%Y%m%dT%H%M%SZ")
    scope = now[:8] + "/" + os.environ["AWS_REGION"] + "/s3/aws4_request"
    head = {"host": host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-date": now,
            "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"]}
    names = ";".join(sorted(head))
    text = "PUT\\n/" + bucket + "/" + key + "\\n\\n" + "".join(k + ":" + head[k] + "\\n" for k in sorted(head)) + "\\n" + names + "\\nUNSIGNED-PAYLOAD"
    k = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        k = hmac.new(k, part.encode(), hashlib.sha256).digest()
    sig = hmac.new(k, ("AWS4-HMAC-SHA256\\n" + now + "\\n" + scope + "\\n" + hashlib.sha256(text.encode()).hexdigest()).encode(), hashlib.sha256).hexdigest()
    head["Authorization"] = "AWS4-HMAC-SHA256 Credential=" + os.environ["AWS_ACCESS_KEY_ID"] + "/" + scope + ", SignedHeaders=" + names + ", Signature=" + sig
    del head["host"]
    urllib.request.urlopen(urllib.request.Request("http://" + host + "/" + bucket + "/" + key, b"done", head, method="PUT"))

def handle(event):
    put(event["bucket"], str(event["n"]))
"""
