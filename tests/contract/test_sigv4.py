# SPDX-License-Identifier: Apache-2.0
"""Signature Version 4 against AWS's own suite and against botocore, which signs what real clients send."""
import base64
import datetime
import gzip
import json
import os
import random
import urllib.parse

import pytest
import tool

SUITE = os.path.join(os.environ.get("MULGIL_TEST_DATA", os.path.join(os.path.dirname(__file__), "../../../shared")),
                     "cases/sigv4/aws_signing_test_suite.json.gz")
ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def read_request(text):
    """The suite's requests: a request line, headers (folded lines too), an empty line, a body."""
    head, _, body = text.partition("\n\n")
    lines = head.split("\n")
    method, rest = lines[0].split(" ", 1)
    target = rest.rsplit(" HTTP/", 1)[0]
    headers = []
    for line in lines[1:]:
        if line[:1] in " \t" and headers:
            headers[-1][1] += "\n" + line
        elif line:
            name, _, value = line.partition(":")
            headers.append([name, value])
    path, _, query = target.partition("?")
    return {"method": method, "path": path, "query": query, "headers": headers, "body": body}


def suite_cases():
    for case in json.load(gzip.open(SUITE)):
        if not case["id"].startswith("v4/"):
            continue
        context = json.loads(case["context"])
        common = {"date": "20150830T123600Z", "region": context["region"], "service": context["service"],
                  "secret": context["credentials"]["secret_access_key"],
                  "path_rule": "normal" if context["normalize"] else "unchanged"}
        for kind in ("header", "query"):
            request = read_request(case[kind + "-signed-request"])
            signed = case[kind + "-canonical-request"].split("\n")[-2]
            headers = [h for h in request["headers"] if h[0].lower() != "authorization"]
            query = request["query"]
            if context.get("omit_session_token"):  # added by the client behind the signature
                query = "&".join(p for p in query.split("&") if not p.startswith("X-Amz-Security-Token="))
            yield case, kind, {**common, **request, "query": query, "headers": headers, "signed_headers": signed,
                               "payload_hash": case[kind + "-canonical-request"].split("\n")[-1]}


@pytest.mark.skipif(not os.path.exists(SUITE), reason="the signing suite is not in $MULGIL_TEST_DATA")
def test_awss_signing_suite():
    cases = list(suite_cases())
    assert len(cases) >= 70
    wrong = []
    for (case, kind, _), got in zip(cases, tool.sigv4([c[2] for c in cases])):
        for ours, theirs in (("canonical_request", "canonical-request"), ("string_to_sign", "string-to-sign"),
                             ("signature", "signature")):
            if got.get(ours) != case[f"{kind}-{theirs}"]:
                wrong.append((case["id"], kind, ours, got.get(ours), case[f"{kind}-{theirs}"]))
    assert not wrong, wrong[:3]


def random_request(rng):
    from botocore.awsrequest import AWSRequest
    service = rng.choice(["s3", "s3", "firehose", "events", "lambda", "sts"])
    text = "".join(rng.choice("abcXYZ019-_.~ /?#[]@!$'()*,;:+%&=ÀŽ語😀") for _ in range(rng.randrange(1, 30)))
    path = "/bucket/" + urllib.parse.quote(text, safe="/~") if service == "s3" else "/"
    if service == "lambda":
        path = "/2015-03-31/functions/" + urllib.parse.quote("arn:aws:lambda:x:1:function:f", safe="") + "/invocations"
    query = ""
    if service == "s3" and rng.random() < 0.5:
        pairs = [(rng.choice(["prefix", "delimiter", "x-id", "uploads", "b", "B", "a-b"]) + str(i), text[:i])
                 for i in range(rng.randrange(1, 5))]
        query = "?" + urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote)
    body = bytes(rng.randrange(256) for _ in range(rng.randrange(0, 60)))
    headers = {"Content-Type": rng.choice(["application/json", "binary/octet-stream", "a  b"])}
    if service == "s3" and rng.random() < 0.5:
        headers["x-amz-meta-note"] = "two  blanks and é".encode().decode("latin-1")
    if service not in ("s3", "lambda", "sts"):
        headers["X-Amz-Target"] = "Firehose_20150804.PutRecord"
    method = rng.choice(["PUT", "GET", "POST", "DELETE", "HEAD"]) if service == "s3" else "POST"
    host = rng.choice(["127.0.0.1:4566", "localhost", "bucket.localhost:4566"])
    return service, AWSRequest(method=method, url=f"http://{host}{path}{query}", data=body, headers=headers)


def signed_case(rng, token=None):
    from botocore import auth, credentials
    service, request = random_request(rng)
    keys = credentials.Credentials(ACCESS, SECRET, token)
    if service == "s3":
        if rng.random() < 0.3:
            request.data = b""
            signer = auth.S3SigV4QueryAuth(keys, service, "ap-northeast-2", expires=300)
        else:
            request.context["payload_signing_enabled"] = rng.random() < 0.7
            request.context["client_config"] = None
            signer = auth.S3SigV4Auth(keys, service, "ap-northeast-2")
    else:
        signer = auth.SigV4Auth(keys, service, "ap-northeast-2")
    signer.add_auth(request)
    url = urllib.parse.urlsplit(request.url)
    headers = [[k, v.decode("latin-1") if isinstance(v, bytes) else v] for k, v in request.headers.items()]
    if not any(h[0].lower() == "host" for h in headers):
        headers.append(["Host", url.netloc])
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return {"method": request.method, "path": url.path, "query": url.query or None, "headers": headers,
            "body_base64": base64.b64encode(request.data or b"").decode(),
            "verify": {"access_key": ACCESS, "secret": SECRET, "token": token, "region": "ap-northeast-2", "now": now}}


def without_none(case):
    case = {k: v for k, v in case.items() if v is not None}
    case["verify"] = {k: v for k, v in case["verify"].items() if v is not None}
    return case


def test_what_botocore_signs_is_accepted():
    rng = random.Random(7)
    cases = [without_none(signed_case(rng, rng.choice([None, "TOKEN+/="]))) for _ in range(400)]
    wrong = [(c, a) for c, a in zip(cases, tool.sigv4(cases)) if a.get("ok") is not True]
    assert not wrong, wrong[0]


def mutated(text, i):
    return text[:i] + chr(ord(text[i]) ^ 1) + text[i + 1:]


def covered(case):
    """Names of the headers that count: those signed, and the Authorization header."""
    for name, value in case["headers"]:
        if name.lower() == "authorization":
            return set(value.split("SignedHeaders=")[1].split(",")[0].split(";")) | {"authorization"}
    query = urllib.parse.parse_qs(case["query"])
    return set(query["X-Amz-SignedHeaders"][0].split(";"))


def mutations(case):
    """The case with one byte changed, for every byte that the signature has to cover."""
    for part in ("method", "path", "query"):
        for i in range(len(case.get(part) or "")):
            yield {**case, part: mutated(case[part], i)}
    names = covered(case)
    for k, (name, value) in enumerate(case["headers"]):
        if name.lower() not in names:
            continue
        for i in range(len(value)):
            headers = [list(h) for h in case["headers"]]
            headers[k][1] = mutated(value, i)
            yield {**case, "headers": headers}
    body = base64.b64decode(case["body_base64"])
    hashed = case["query"] is None or "X-Amz-Signature" not in case["query"]
    unsigned = any(v == "UNSIGNED-PAYLOAD" for _, v in case["headers"])
    for i in range(len(body) if hashed and not unsigned else 0):
        changed = bytes([*body[:i], body[i] ^ 1, *body[i + 1:]])
        yield {**case, "body_base64": base64.b64encode(changed).decode()}


def test_one_changed_byte_anywhere_is_denied():
    rng = random.Random(11)
    cases = []
    for _ in range(12):
        cases += [without_none(m) for m in mutations({"query": None, **without_none(signed_case(rng))})]
    assert len(cases) > 3000
    accepted = [c for c, a in zip(cases, tool.sigv4(cases)) if a.get("ok") is not False]
    assert not accepted, accepted[0]
