# SPDX-License-Identifier: Apache-2.0
"""Finds the program under test: build/mulgil, or aws_tool where that does not exist yet."""
import json
import os
import subprocess

BUILD = os.environ.get("MULGIL_BUILD", os.path.join(os.path.dirname(__file__), "../../build"))
MULGIL = os.environ.get("MULGIL_BIN", os.path.join(BUILD, "mulgil"))
TOOL = os.path.join(BUILD, "tests/contract/aws_tool")


def run(mulgil_words, tool_words, text=""):
    """Output of `mulgil WORDS`, or of the tool if mulgil is not there or does not know the words (exit 2)."""
    for program, words in ((MULGIL, mulgil_words), (TOOL, tool_words)):
        if not os.path.exists(program):
            continue
        p = subprocess.run([program, *words], input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=600, check=False)
        if p.returncode != 2:
            assert p.returncode == 0, (program, words, p.stderr.decode(errors="replace")[-2000:])
            return p.stdout.decode()
    raise AssertionError("neither build/mulgil nor aws_tool is built")


def op_table():
    return json.loads(run(["op-table"], ["op-table"]))


def evaluate(function, cases):
    """Each case through `mulgil eval FUNCTION`."""
    text = "".join(json.dumps(c) + "\n" for c in cases)
    answers = [json.loads(line) for line in run(["eval", function], [function], text).splitlines()]
    assert len(answers) == len(cases)
    return answers


def sigv4(cases):
    return evaluate("sigv4", cases)
