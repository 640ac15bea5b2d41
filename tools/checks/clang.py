#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""clang has no warning either (the build is gcc's), under the flags of meson.build."""
import concurrent.futures
import json
import os
import shlex
import subprocess

import _tree

BUILD = os.environ.get("MULGIL_BUILD", "build")
DROP = {"-o", "-MQ", "-MF"}  # with the word behind it
# Flags clang does not know, and two warnings that differ from gcc's: on must(!"text"), and on NAN, a float.
UNKNOWN = ["-Wno-unknown-warning-option", "-Wno-unused-command-line-argument", "-Wno-string-conversion", "-Wno-double-promotion"]


def command(entry):
    words, keep, skip = shlex.split(entry["command"]), [], False
    words = words[2 if os.path.basename(words[0]) == "ccache" else 1:]
    for w in words:
        if skip or w in DROP:
            skip = w in DROP
        elif w not in ("-MD", "-c", "-Winvalid-pch") and not w.startswith("-fsanitize"):
            keep.append(w)
    return ["clang", "-fsyntax-only", "-Werror", *[w for w in keep if w != "-fdiagnostics-color=always"], *UNKNOWN]


def check(entry):
    r = subprocess.run(command(entry), cwd=entry["directory"], capture_output=True, text=True)
    return [] if r.returncode == 0 else [r.stderr.strip()]


path = os.path.join(_tree.ROOT, BUILD, "compile_commands.json")
if not os.path.exists(path):
    subprocess.run(["meson", "setup", BUILD], cwd=_tree.ROOT, check=True, stdout=subprocess.DEVNULL)
with open(path, encoding="utf-8") as f:
    entries = [e for e in json.load(f) if e["file"].endswith(".c")]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    found = list(pool.map(check, entries))
_tree.finish([p for ps in found for p in ps], len(entries))
