# SPDX-License-Identifier: Apache-2.0
"""The mulgil command against a running server: output, exit codes, help."""
import json
import os
import re
import subprocess
import uuid

import pytest

import rig


def run(*words, text="", **env):
    return subprocess.run([rig.MULGIL, *words], input=text, capture_output=True, encoding="utf-8", timeout=60 * rig.SLOW,
                          env=rig.environment(**env), check=False)


def commands():
    return re.findall(r"^  (\S+) {2,}\S", run("help").stdout.partition("first steps")[0], re.M)


def test_help_lists_the_commands():
    assert {"serve", "demo", "deploy", "env", "doctor", "measure", "verify", "sql", "tail", "eval"} <= set(commands())
    assert run("--version").stdout.startswith("mulgil ")
    p = run()
    assert p.returncode == 2 and "usage:" in p.stdout + p.stderr
    p = run("coffee")
    assert p.returncode == 2 and "coffee" in p.stderr and not p.stdout


@pytest.mark.parametrize("command", ["serve", "demo", "deploy", "env", "doctor", "measure", "verify", "sql", "tail", "eval"])
def test_help_of_each(command, tmp_path):
    p = subprocess.run([rig.MULGIL, command, "--help"], capture_output=True, encoding="utf-8", timeout=60, cwd=tmp_path,
                       env=rig.environment(), check=False)
    assert p.returncode == 0 and f"mulgil {command}" in p.stdout and not p.stderr
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("words", [["env"], ["doctor"], ["measure", "ls"], ["verify"], ["sql", "SELECT 1"], ["tail", "0"]])
def test_no_server(words, tmp_path):
    p = run(*words, "--data", str(tmp_path / "nothing"))
    assert p.returncode == 3 and p.stderr.startswith("mulgil: ") and not p.stdout


@pytest.mark.parametrize("words", [["env", "--coffee"], ["sql"], ["tail"], ["measure", "coffee"], ["eval", "coffee"], ["serve", "--coffee", "1"],
                                   ["serve", "--account", "12"], ["serve", "--fast-threads", "0"], ["serve", "--region", "us-east-1"]])
def test_wrong_use(words):
    p = run(*words)
    assert p.returncode == 2 and p.stderr.startswith("mulgil: ") and not p.stdout, p


def test_env(server):
    p = server.run("env")
    assert p.returncode == 0
    shell = subprocess.run(["bash", "-c", p.stdout + "\nenv"], capture_output=True, encoding="utf-8", env=rig.environment(), check=True)
    found = dict(line.split("=", 1) for line in shell.stdout.splitlines() if "=" in line)
    assert (found["AWS_ENDPOINT_URL"], found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], found["AWS_REGION"]) == (
        server.endpoint, rig.ACCESS_KEY, rig.SECRET, rig.REGION)
    assert json.loads(server.run("env", "--output", "json").stdout)["AWS_ENDPOINT_URL"] == server.endpoint


def test_doctor(server):
    p = server.run("doctor", "--output", "json")
    rows = json.loads(p.stdout)
    assert p.returncode in (0, 1) and len(rows) >= 5  # 1: this machine has something that should be mended
    assert "signed request" in p.stdout
    assert "signed request" in server.run("doctor").stdout


def test_doctor_of_a_server_that_is_gone(make_server):
    s = make_server().start()
    s.kill()
    p = s.run("doctor")
    assert p.returncode in (1, 3), p


def test_sql(server):
    p = server.run("sql", "--database", "default", "SELECT 1 AS a, 'x, y' AS b")
    assert (p.returncode, p.stdout) == (0, '"a","b"\n"1","x, y"\n'), p
    p = server.run("sql", "--database", "default", "SELECT * FROM absent")
    assert p.returncode == 1 and "absent" in p.stderr and not p.stdout


def test_verify_names_what_is_missing(make_server):
    """An end manifest says three records, none has come: exit code 6, and the records are named."""
    s = make_server().start()
    assert s.run("deploy").returncode == 0
    s3, bucket = s.client("s3"), "audience-raw"
    measurement, stream = str(uuid.uuid4()), str(uuid.uuid4())
    place = f"dt=2026-01-02/screening=s1/subject=p1/measurement={measurement}"
    begin = {"v": 1, "measurement": measurement, "place": place, "screening": "s1", "subject": "p1", "content": "f1",
             "started_at_ns": "1767312000000000000", "files": [],
             "streams": [{"stream": stream, "modality": "ppg", "layout": "max30102.fifo2@1", "rate": 100}]}
    end = {"v": 1, "measurement": measurement, "ended_at_ns": "1767312010000000000", "files": [],
           "streams": [{"stream": stream, "layout": "max30102.fifo2@1", "first_seq": 0, "last_seq": 2, "bytes": "6", "sha256": "0" * 64}]}
    s3.put_object(Bucket=bucket, Key=f"v1/manifest/{place}/_begin.json", Body=json.dumps(begin).encode())
    s3.put_object(Bucket=bucket, Key=f"v1/manifest/{place}/_manifest.json", Body=json.dumps(end).encode())
    p = s.run("verify", measurement)
    assert p.returncode == 6, p
    assert f"stream {stream}: missing 0-2" in p.stdout


def test_measure_and_verify(server):
    p = server.run("measure", "ls", "--output", "json")
    assert p.returncode == 0 and json.loads(p.stdout)["measurements"] == []
    assert server.run("measure", "ls").returncode == 0
    assert server.run("verify").returncode == 0
    absent = str(uuid.uuid4())
    assert server.run("measure", "show", absent).returncode == 1
    p = server.run("verify", absent)
    assert p.returncode != 0 and absent in p.stderr, p


def test_wrong_key(server):
    p = server.run("sql", "SELECT 1", MULGIL_ROOT_SECRET_ACCESS_KEY="wrong-wrong-wrong-wrong")
    assert p.returncode != 0 and not p.stdout


def test_eval():
    """A line of each function; the answers themselves are in the vectors."""
    p = run("eval", "pattern", text='{"pattern": {"a": [1]}, "event": {"a": 1}}\n')
    assert p.returncode == 0 and len(p.stdout.splitlines()) == 1 and json.loads(p.stdout)


def test_one_server_per_folder(server):
    p = run("serve", "--data", server.data, "--api", "127.0.0.1:0", "--console", "off")
    assert p.returncode == 1 and "in use" in p.stderr


def test_generated_root_key(make_server, tmp_path):
    env = {k: v for k, v in rig.environment().items() if not k.startswith("MULGIL_ROOT")}
    p = subprocess.Popen([rig.MULGIL, "serve", "--data", str(tmp_path / "d"), "--api", "127.0.0.1:0", "--console", "off"], env=env,
                         stderr=subprocess.DEVNULL)
    try:
        rig.until("the endpoint", (tmp_path / "d" / "endpoint.json").exists)
        key = tmp_path / "d" / "root-key.json"
        assert key.stat().st_mode & 0o777 == 0o600
        found = json.loads(key.read_text())
        assert found["access_key_id"].startswith("AKIA") and len(found["secret_access_key"]) == 40
        words = subprocess.run([rig.MULGIL, "env", "--data", str(tmp_path / "d")], capture_output=True, encoding="utf-8", env=env, check=True)
        assert found["secret_access_key"] in words.stdout
    finally:
        p.terminate()
        assert p.wait(30 * rig.SLOW) == 0


def test_configuration_file(make_server, tmp_path):
    (tmp_path / "c.yaml").write_text("api: 127.0.0.1:0\nconsole: 127.0.0.1:0\naccount: '123456789012'\n")
    s = make_server(config=str(tmp_path / "c.yaml")).start()
    assert s.client("sts").get_caller_identity()["Account"] == "123456789012"
    (tmp_path / "bad.yaml").write_text("coffee: 1\n")
    p = run("serve", "--config", str(tmp_path / "bad.yaml"), "--data", str(tmp_path / "d"))
    assert p.returncode == 2 and "coffee" in p.stderr
