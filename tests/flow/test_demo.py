# SPDX-License-Identifier: Apache-2.0
"""The whole pipeline: `mulgil demo` with modelled people, with faults, and with real recordings."""
import json
import os
import pathlib
import re
import subprocess

import pytest

import rig

DATA = pathlib.Path(os.environ.get("MULGIL_TEST_DATA", os.path.join(rig.ROOT, "..", "shared"))) / "data" / "recordings"
# Beats per minute of each recording's pulse, as the signal module's golden numbers have them.
GOLDEN = {"heartpy data": 58.912128, "heartpy data2": 65.237207, "heartpy ring": 83.583786, "wfdb v102s": 104.104028}
PARTS = {"signature", "profile", "video", "biosignals"}


def demo(*words):
    p = subprocess.run([rig.MULGIL, "demo", "--output", "json", *words], capture_output=True, encoding="utf-8", check=False,
                       timeout=180 * rig.SLOW, env=rig.environment())
    try:
        found = json.loads(p.stdout)
    except ValueError:
        raise AssertionError(f"exit code {p.returncode}, no document:\n{p.stderr[-8000:]}") from None
    assert p.returncode == (0 if found["pass"] else 1), (p.returncode, found["reasons"], p.stderr[-4000:])
    assert found["pass"] and found["reasons"] == [], (found["reasons"], p.stderr[-8000:])
    return found


def complete(person):
    assert all(person["verified"][part] for part in PARTS), person
    assert (person["state"], person["execution"], person["problems"]) == ("complete", "SUCCEEDED", [])
    assert person["sent"] == person["stored"] == person["decoded"] == person["records"] > 0
    assert person["samples_sql"] == person["samples_sent"] > 0
    assert (person["missing"], person["conflicts"], person["quarantined"]) == (0, 0, 0)


def people(found, n):
    assert len(found["people"]) == n
    return found["people"]


def test_modelled_people():
    found = demo("--people", "3", "--seconds", "20", "--speed", "5")
    for p in people(found, 3):
        complete(p)
        assert (p["duplicates"], p["acknowledged"], p["raw_envelopes"]) == (0, p["sent"], p["sent"])
        assert abs(p["heart_rate"] - p["heart_rate_expected"]) < 1
    assert {n["key"] for n in found["numbers"]["headline"]} >= {
        "live_p99_ms", "sql_max_ms", "verified_max_ms", "result_max_ms", "start_ms", "idle_mib"}


def test_doubled_reordered_and_killed():
    found = demo("--people", "3", "--seconds", "20", "--speed", "5", "--faults", "dup,reorder,restart")
    for p in people(found, 3):
        complete(p)
        assert p["acknowledged"] == p["raw_envelopes"] == p["sent"] + p["duplicates"]
        assert abs(p["heart_rate"] - p["heart_rate_expected"]) < 1
    assert sum(p["duplicates"] for p in found["people"]) > 0
    assert found["numbers"]["restart_ms"] is not None


def test_dropped_records_are_named():
    """Exactly the records that were never sent are missing, each by its number; who lost nothing is complete."""
    found = demo("--people", "3", "--seconds", "20", "--speed", "5", "--faults", "drop")
    lost = [p for p in people(found, 3) if p["dropped"]]
    assert lost
    for p in found["people"]:
        if not p["dropped"]:
            complete(p)
            continue
        named = sum(len(re.findall(r"\d+", part.partition(":")[2])) for part in p["dropped"].split(";"))
        assert p["missing"] == named == p["records"] - p["sent"]
        assert p["stored"] == p["decoded"] == p["sent"] and p["samples_sql"] == p["samples_sent"]
        assert (p["state"], p["verified"]["biosignals"], p["heart_rate"]) == ("incomplete", False, None)
        assert p["verified"]["signature"] and p["verified"]["profile"] and p["verified"]["video"]


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no recordings in {DATA}: set MULGIL_TEST_DATA")
@pytest.mark.skipif(rig.SANITIZED, reason="recordings take minutes under a sanitizer; modelled people are played there")
def test_recordings_have_their_golden_heart_rates():
    found = demo("--people", "1", "--seconds", "20", "--recordings", str(DATA))
    rates = {}
    for p in found["people"]:
        complete(p)
        if p["heart_rate"] is not None:
            rates[p["name"]] = p["heart_rate"]
    assert {k: round(v, 4) for k, v in rates.items()} == {k: round(v, 4) for k, v in GOLDEN.items()}
