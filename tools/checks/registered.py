#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""No source and no test is forgotten: each is named by its folder's meson.build, or found by pytest."""
import os
import re

import _tree

SUITES = ("tests/contract/", "tests/api/", "tests/flow/", "tests/fault/")


def named(path, target):
    """Is @target named by a meson.build at or above the folder of @path?"""
    folder = os.path.dirname(path)
    while True:
        build = os.path.join(folder, "meson.build")
        if os.path.exists(os.path.join(_tree.ROOT, build)) and re.search(rf"['/]{re.escape(target)}'", _tree.text(build)):
            return True
        if not folder:
            return False
        folder = os.path.dirname(folder)


problems = []
sources = [f for f in _tree.files(".c") if f.startswith(("src/", "tests/unit/", "tests/fuzz/", "functions/"))]
for f in sources:
    name = os.path.basename(f)
    target = re.sub(r"^fuzz_(\w+)\.c$", r"\1", name) if f.startswith("tests/fuzz/") else name
    if not named(f, target):
        problems.append(f"{f}: not named in a meson.build at or above its folder")
for f in _tree.files(".c"):
    if os.path.basename(f).startswith("test_") and "TEST(" not in _tree.text(f):
        problems.append(f"{f}: holds no TEST()")
tests = [f for f in _tree.files(".py") if os.path.basename(f).startswith("test_")]
for f in tests:
    if not f.startswith(SUITES):
        problems.append(f"{f}: not in a folder that tools/run-tests gives to pytest")
    if not re.search(r"^(async )?def test_|^    def test_", _tree.text(f), re.M):
        problems.append(f"{f}: holds no test")
for d in sorted({f.split("/")[3] for f in _tree.files() if f.startswith("tests/fuzz/corpus/")}):
    if f"'{d}'" not in _tree.text("tests/fuzz/meson.build"):
        problems.append(f"tests/fuzz/corpus/{d}: no target of that name in tests/fuzz/meson.build")
_tree.finish(problems, len(sources) + len(tests))
