#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing of one machine or one mirror is committed: no paths of a workplace, no hosts of registries."""
import re

import _tree

WORDS = [
    r"(?<![\w.-])/(work|farm|root|home)/",
    r"https?://[^\s)\"']*(npmjs|pypi|pythonhosted|debian|golang|maven|crates)[^\s)\"']*",
    r"\b(registry|deb|pypi)\.[a-z]+\.(org|com|io)\b",
]

problems = []
texts = [f for f in _tree.files() if not f.endswith((".png", ".gz", ".mp4", ".bin", ".parquet", ".zip")) and "/corpus/" not in f
         and f != "tools/checks/words.py"]
for f in texts:
    for n, line in enumerate(_tree.text(f).splitlines(), 1):
        for w in WORDS:
            m = re.search(w, line)
            if m:
                problems.append(f"{f}:{n}: {m.group(0)}")
_tree.finish(problems, len(texts))
