#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every header of ours compiles alone, and starts with #pragma once."""
import concurrent.futures
import os
import subprocess

import _tree


def includes():
    out = subprocess.run(["pkg-config", "--cflags", "json-c"], capture_output=True, text=True)
    return out.stdout.split()


def compile_alone(path):
    cmd = ["gcc", "-fsyntax-only", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror",
           "-isystem", os.path.join(_tree.ROOT, ".cache/duckdb"), "-I", os.path.join(_tree.ROOT, "src")] + CFLAGS + ["-x", "c", "-"]
    text = f'#include "{os.path.join(_tree.ROOT, path)}"\n'
    r = subprocess.run(cmd, input=text, capture_output=True, text=True)
    problems = [] if r.returncode == 0 else [f"{path}: does not compile alone\n{r.stderr.strip()}"]
    if "#pragma once" not in _tree.text(path):
        problems.append(f"{path}: no #pragma once")
    return problems


CFLAGS = includes()
headers = [f for f in _tree.files(".h") if f.startswith(("src/", "functions/")) or f == "tests/unit/unit.h"]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    found = list(pool.map(compile_alone, headers))
_tree.finish([p for ps in found for p in ps], len(headers))
