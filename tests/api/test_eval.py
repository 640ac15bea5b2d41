# SPDX-License-Identifier: Apache-2.0
"""`mulgil eval`: one answer per line, in order, whatever the line holds."""
import base64
import json
import math
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MULGIL = ROOT / os.environ.get("MULGIL_BUILD", "build") / "mulgil"
VECTORS = ROOT / "tests" / "vectors" / "layout" / "decode.json"


def run(function, lines):
    """Answers to @lines: objects, or text that is sent as it is."""
    text = "".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines)
    done = subprocess.run([MULGIL, "eval", function], input=text.encode(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    answers = [json.loads(x) for x in done.stdout.decode().splitlines()]
    assert len(answers) == len(lines)
    return answers


def error(code, message):
    return {"error": {"code": code, "message": message}}


CASES = {
    "pattern": [
        ({"pattern": {"a": [1]}, "event": {"a": 1}}, {"match": True}),
        ({"pattern": {"a": [1]}, "event": {"a": 2}}, {"match": False}),
        ({"pattern": '{"a": [{"prefix": "x"}]}', "event": '{"a": "xy"}'}, {"match": True}),
        ({"pattern": "{", "event": {}}, "InvalidEventPatternException"),
        ({"pattern": {"a": 1}, "event": {}}, "InvalidEventPatternException"),
        ({"pattern": {"a": [1]}}, error("InvalidInput", "members pattern and event are required")),
        ({"pattern": {"a": [1]}, "event": {}, "evnt": {}}, error("InvalidInput", 'member "evnt" is not known')),
    ],
    "jsonpath": [
        ({"path": "$.a[1]", "data": {"a": [1, {"b": None}]}}, {"result": {"b": None}}),
        ({"path": "$", "data": False}, {"result": False}),
        ({"path": "$..b", "data": {"a": {"b": 1}, "b": 2}}, {"result": [2, 1]}),
        ({"path": "$.none", "data": {}}, "States.Runtime"),
        ({"path": "$[", "data": {}}, "States.Runtime"),
        ({"path": 1, "data": {}}, "InvalidInput"),
        ({"path": "$"}, "InvalidInput"),
    ],
    "intrinsic": [
        ({"call": "States.Format('{}-{}', $.x, $$.y)", "data": {"x": 1}, "context": {"y": "z"}}, {"result": "1-z"}),
        ({"call": "States.MathAdd(2, 3)"}, {"result": 5}),
        ({"call": "States.Hash('a', 'SHA-256')"},
         {"result": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}),
        ({"call": "States.Format('{}', $.x)"}, error("States.IntrinsicFailure", "there is no data for $.x")),
        ({"call": "States.Nope()"}, "States.IntrinsicFailure"),
        ({}, "InvalidInput"),
    ],
    "prefix": [
        ({"prefix": "raw/", "time_ms": 0}, {"prefix": "raw/1970/01/01/00/"}),
        ({"prefix": "d=!{timestamp:yyyy-MM-dd}/", "error_prefix": "e/!{firehose:error-output-type}/", "time_ms": 951782400000},
         {"prefix": "d=2000-02-29/", "error_prefix": "e/processing-failed/"}),
        ({"prefix": "!{partitionKeyFromQuery:x}/", "error_prefix": "e/!{firehose:error-output-type}/"}, "InvalidArgumentException"),
        ({"prefix": "!{partitionKeyFromQuery:x}/", "error_prefix": "e/!{firehose:error-output-type}/", "query": {"x": "a b"}},
         {"prefix": "a b/", "error_prefix": "e/processing-failed/"}),
        ({"prefix": "!{timestamp:", "time_ms": 0}, "InvalidArgumentException"),
        ({"prefix": "x", "time_ms": "0"}, error("InvalidInput", "time_ms must be an integer")),
        ({}, "InvalidInput"),
    ],
    "layout": [
        ({"layout": "no-such@1", "hex": ""}, error("InvalidLayout", 'there is no layout "no-such@1"')),
        ({"layout": {"surprise": 1}, "hex": ""}, "InvalidLayout"),
        ({"layout": "ble.hr2a37@1", "hex": "0"}, error("InvalidInput", "hex is not valid")),
        ({"layout": "ble.hr2a37@1", "hex": "00", "base64": "AA=="}, "InvalidInput"),
        ({"layout": "ble.hr2a37@1", "params": {"misspelt": 1}, "hex": "0048"}, "InvalidLayout"),
        ({"hex": "00"}, "InvalidInput"),
    ],
    "sigv4": [
        ({}, "InvalidInput"),
    ],
}


@pytest.mark.parametrize("function", CASES)
def test_answers_and_errors(function):
    cases = CASES[function]
    for (line, want), got in zip(cases, run(function, [x for x, _ in cases])):
        if isinstance(want, str):
            assert got["error"]["code"] == want, (line, got)
        else:
            assert got == want, line


@pytest.mark.parametrize("function", CASES)
def test_a_broken_line_does_not_stop_the_rest(function):
    got = run(function, ["nonsense", "", "[1]", "{}", '{"a":1}'])
    assert [x["error"]["code"] for x in got[:3]] == ["InvalidInput"] * 3
    assert all("error" in x for x in got)


def same(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool):
        return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12)
    return a == b


def test_layout_vectors():
    vectors = json.loads(VECTORS.read_text())
    assert len(vectors) >= 19
    lines = [{k: v[k] for k in ("layout", "params", "hex")} for v in vectors]
    for v, got in zip(vectors, run("layout", lines)):
        assert same(got, v["expect"]), (v["name"], got)


def test_layout_takes_base64():
    hexed = json.loads(VECTORS.read_text())[0]
    line = {"layout": hexed["layout"], "base64": base64.b64encode(bytes.fromhex(hexed["hex"])).decode()}
    assert same(run("layout", [line])[0], hexed["expect"])


def test_sigv4_signs_as_botocore_does():
    botocore = pytest.importorskip("botocore.auth")
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("PUT", "https://host.example/b/k%20ey?b=2&a=1", data=b"body", headers={"X-Amz-Meta-A": "x  y"})
    request.context["timestamp"] = "20150830T123600Z"
    auth = botocore.SigV4Auth(Credentials("AKID", "secret"), "lambda", "ap-northeast-2")
    request.headers["X-Amz-Date"] = "20150830T123600Z"
    canonical = auth.canonical_request(request)
    line = {"method": "PUT", "path": "/b/k%20ey", "query": "b=2&a=1", "body": "body", "date": "20150830T123600Z",
            "headers": [["Host", "host.example"], ["X-Amz-Date", "20150830T123600Z"], ["X-Amz-Meta-A", "x  y"]],
            "region": "ap-northeast-2", "service": "lambda", "secret": "secret"}
    got = run("sigv4", [line])[0]
    assert got["canonical_request"] == canonical
    assert got["string_to_sign"] == auth.string_to_sign(request, canonical)
    assert got["signature"] == auth.signature(got["string_to_sign"], request)


@pytest.mark.parametrize("args", [[], ["nope"], ["pattern", "more"]])
def test_wrong_use_is_told(args):
    done = subprocess.run([MULGIL, "eval", *args], input=b"", capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert b"pattern, jsonpath, intrinsic, layout, prefix and sigv4" in done.stderr


def test_examples_of_the_help_hold():
    text = subprocess.run([MULGIL, "eval", "--help"], capture_output=True, timeout=60, check=True).stdout.decode().splitlines()
    seen = 0
    for i, line in enumerate(text):
        if not line.strip().startswith("in:"):
            continue
        function = text[i - 1].split()[0]
        got = run(function, [line.split("in:", 1)[1].strip()])[0]
        want = text[i + 1].split("out:", 1)[1].strip()
        assert "error" not in got
        if "..." not in want:
            assert got == json.loads(want)
        seen += 1
    assert seen == 7
