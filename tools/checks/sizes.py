#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Size of functions (lines, complexity, parameters) and of files; tables are listed in sizes-allowed.txt."""
import os
import re
import subprocess

import _tree

LINES, COMPLEXITY, PARAMETERS, FILE_LINES = 70, 15, 7, 1000


def allowed():
    lines = _tree.text("tools/checks/sizes-allowed.txt").splitlines()
    return {line.split()[0] for line in lines if line and not line.startswith("#")}


def functions(paths, problems, ok):
    out = subprocess.run(["pmccabe", *paths], cwd=_tree.ROOT, capture_output=True, text=True, check=True).stdout
    for row in out.splitlines():
        complexity, _, _, _, lines, where, name = row.split("\t")[0:5] + row.split("\t")[5].split(": ")
        path = where.split("(")[0]
        if f"{path}:{name}" in ok:
            continue
        if int(lines) > LINES:
            problems.append(f"{path}: {name}() has {lines} lines; at most {LINES}")
        if int(complexity) > COMPLEXITY:
            problems.append(f"{path}: {name}() has complexity {complexity}; at most {COMPLEXITY}")


def parameters(path, problems, ok):
    for m in re.finditer(r"^[a-z][\w \t*]*?\b(\w+)\(([^(){};]*(?:\([^()]*\)[^(){};]*)*)\)[^(){};=]*[{;]", _tree.code(path), re.M):
        flat = re.sub(r"\([^()]*\)", "", m.group(2))
        # The arena and the error go everywhere; they are not what makes a call hard to read.
        n = len([p for p in flat.split(",") if not re.match(r"\s*struct (arena|err) \*", p)])
        if n > PARAMETERS and f"{path}:{m.group(1)}" not in ok:
            problems.append(f"{path}: {m.group(1)}() has {n} parameters; at most {PARAMETERS}: use a struct")


problems, ok = [], allowed()
sources = [f for f in _tree.files(".c", ".h") if f.startswith(("src/", "functions/"))]
functions([f for f in sources if f.endswith(".c")], problems, ok)
for f in sources:
    parameters(f, problems, ok)
every = _tree.files(".c", ".h", ".py", ".sh", ".ts", ".tsx")
for f in every:
    n = _tree.text(f).count("\n")
    if n > FILE_LINES and f not in ok:
        problems.append(f"{f}: {n} lines; at most {FILE_LINES}: is it one idea?")
_tree.finish(problems, len(every))
