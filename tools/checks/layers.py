#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Dependencies point down: which folder may include which, and each library's header in one place."""
import os
import re

import _tree

MAY = {
    "base": ["base/"],
    "os": ["base/", "os/"],
    "data": ["base/", "data/"],
    "signal": ["base/", "signal/"],
    "http": ["base/", "os/", "http/"],
    "aws": ["base/", "os/", "http/", "data/", "aws/"],
    "store": ["base/", "os/", "data/", "http/", "store/"],
    "svc": ["base/", "os/", "data/", "signal/", "aws/", "store/", "svc/ports.h"],  # and its own folder
    "measure": ["base/", "os/", "data/", "signal/", "store/", "svc/ports.h", "measure/"],
    "console": ["base/", "os/", "http/", "aws/op.h", "measure/", "console/"],
    "cli": ["base/", "os/", "http/", "aws/", "cli/"],
    "demo": ["base/", "os/", "data/", "signal/", "http/", "aws/", "cli/", "demo/"],  # a client like any other
    "main": [""],
}

# Library header: the only files that may include it.
LIBRARY = {
    r"openssl/": r"src/os/crypto\.c",
    r"archive": r"src/os/zip\.c",
    r"snappy-c\.h": r"src/os/pack\.c",
    r"(jq|jv)\.h": r"src/data/keyquery\.c",
    r"json-c/": r"src/base/json_parse\.c",
    r"expat\.h": r"src/base/xml\.c",
    r"yaml\.h": r"src/base/yaml\.c",
    r"xxhash\.h": r"src/base/xxh\.c",
    r"sqlite3\.h": r"src/store/meta_sqlite\w*\.[ch]",
    r"duckdb\.h": r"src/store/(sql_duckdb\w*|sqlworker/\w+)\.[ch]",
    r"microhttpd\.h": r"src/http/server\w*\.[ch]",
    r"curl/": r"src/http/client\w*\.[ch]",
    r"png\.h": r"src/data/png\w*\.c",
}


def may(path):
    """What the file @path under src/ may include, or None if its folder is not known."""
    parts = path.split("/")
    rule = MAY.get(parts[1])
    if rule is None or len(parts) < 3:
        return None
    if parts[1] == "svc" and len(parts) > 3:
        return rule + [f"svc/{parts[2]}/"]
    return rule


def check(path, problems):
    allowed = may(path)
    if allowed is None:
        problems.append(f"{path}: no rule for this folder; see MAY in tools/checks/layers.py")
        return
    for n, line in enumerate(_tree.text(path).splitlines(), 1):
        m = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if not m:
            continue
        name = m.group(2)
        if m.group(1) == "<":
            for header, owner in LIBRARY.items():
                if re.match(header, name) and not re.fullmatch(owner, path):
                    problems.append(f"{path}:{n}: <{name}> belongs to {owner} alone")
            continue
        if not os.path.exists(os.path.join(_tree.ROOT, "src", name)):
            beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
            if not os.path.exists(os.path.join(_tree.ROOT, beside)):
                continue  # made by the build; the compiler finds it or fails
            name = os.path.relpath(beside, "src")
        if not any(name.startswith(a) for a in allowed):
            problems.append(f"{path}:{n}: {path.split('/')[1]} must not include {name}")


problems = []
sources = [f for f in _tree.files(".c", ".h") if f.startswith("src/")]
for f in sources:
    check(f, problems)
_tree.finish(problems, len(sources))
