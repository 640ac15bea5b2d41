# SPDX-License-Identifier: Apache-2.0
"""The console port: signing in, the session's cookie, what another site cannot do, the read API, live signals."""
import http.client
import json
import uuid

import pytest

import rig


def post(server, path, document=None, **headers):
    return rig.http(server.console, "POST", path, {"Content-Type": "application/json", "x-mulgil": "1", **headers},
                    json.dumps(document or {}).encode())


def sign_in(server, secret=rig.SECRET):
    return post(server, "/sign-in", {"access_key": rig.ACCESS_KEY, "secret": secret})


@pytest.fixture
def cookie(server):
    answer = sign_in(server)
    assert answer.status == 200
    return {"Cookie": answer.headers["set-cookie"].split(";")[0]}


def test_health(server):
    assert rig.http(server.console, "GET", "/-/health").status == 200


def test_cookie(server):
    words = [w.strip().lower() for w in sign_in(server).headers["set-cookie"].split(";")]
    assert words[0].startswith("mulgil_session=") and "httponly" in words and "samesite=strict" in words


@pytest.mark.parametrize("path", ["/-/measurements", "/-/measurements/x", "/-/executions", "/-/signals?measurement=x", "/-/x"])
def test_nothing_without_a_session(server, path):
    for headers in ({}, {"Cookie": "mulgil_session="}, {"Cookie": "mulgil_session=" + "A" * 43}, {"Cookie": "other=1"}):
        assert rig.http(server.console, "GET", path, headers).status == 403
    assert rig.signed(server, "mulgil", "GET", path, secret="wrong-wrong-wrong").status == 403


def test_read(server, cookie):
    got = rig.http(server.console, "GET", "/-/measurements", cookie)
    assert got.status == 200 and got.json()["measurements"] == []
    assert got.headers["cache-control"] == "no-store"
    assert rig.http(server.console, "GET", "/-/measurements/absent", cookie).status == 404
    assert rig.http(server.console, "GET", "/-/nothing", cookie).status == 404
    assert rig.http(server.console, "DELETE", "/-/measurements", cookie).status == 405


def test_same_answers_on_the_api_port(server, cookie):
    assert rig.signed(server, "mulgil", "GET", "/-/measurements").body == rig.http(server.console, "GET", "/-/measurements", cookie).body
    assert rig.http(server.endpoint, "GET", "/-/measurements", cookie).status == 403


def test_other_sites_cannot_post(server):
    """A form can send a cookie, not this header."""
    answer = rig.http(server.console, "POST", "/sign-in", {"Content-Type": "text/plain"}, json.dumps(
        {"access_key": rig.ACCESS_KEY, "secret": rig.SECRET}).encode())
    assert answer.status == 403 and "set-cookie" not in answer.headers


def test_sign_out(server, cookie):
    assert rig.http(server.console, "GET", "/-/measurements", cookie).status == 200
    assert rig.http(server.console, "POST", "/sign-out", cookie).status == 403  # without the header
    assert post(server, "/sign-out", **cookie).status == 200
    assert rig.http(server.console, "GET", "/-/measurements", cookie).status == 403


def test_page(server):
    got = rig.http(server.console, "GET", "/")
    if got.status == 404:
        pytest.skip("this build has no page (it needs node at build time)")
    assert got.status == 200 and got.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in got.headers["content-security-policy"]
    for path in ("/../etc/passwd", "/%2e%2e/etc/passwd", "/nothing"):
        assert rig.http(server.console, "GET", path).status == 404, path


def test_wrong_key_and_too_many_of_them(make_server):
    s = make_server().start()
    for secret in ("", "x", rig.SECRET + "x", rig.SECRET[:-1]):
        answer = sign_in(s, secret)
        assert answer.status == 403 and "set-cookie" not in answer.headers
    assert sign_in(s).status == 200
    for _ in range(20):
        last = sign_in(s, "guess")
    assert last.status == 429 and sign_in(s).status == 429


def events(response):
    """Server-sent events: (event, data)."""
    kind, data = None, []
    while True:
        line = response.readline().decode().rstrip("\n")
        if line.startswith("event:"):
            kind = line[6:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].strip())
        elif not line and data:
            yield kind, json.loads("".join(data))
            kind, data = None, []


def test_live_signals_begin_at_once(server, cookie):
    host = server.console.split("//")[1]
    c = http.client.HTTPConnection(host, timeout=20 * rig.SLOW)
    c.request("GET", f"/-/signals?measurement={uuid.uuid4()}", headers=cookie)
    r = c.getresponse()
    assert (r.status, r.headers["content-type"]) == (200, "text/event-stream")
    assert r.readline().startswith(b":")
    c.close()
    assert rig.http(server.console, "GET", "/-/signals", cookie).status == 400
