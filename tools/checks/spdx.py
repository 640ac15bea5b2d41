#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every source names its licence; every .c says in one sentence what it is."""
import re

import _tree

problems = []
sources = _tree.files(".c", ".h", ".py", ".sh", ".ts", ".tsx", "meson.build", "Makefile", "tools/build", "tools/fuzz",
                      "tools/run-tests", ".ci/run")
for f in sources:
    head = _tree.text(f).splitlines()[:6]
    if not any("SPDX-License-Identifier: Apache-2.0" in line for line in head[:3]):
        problems.append(f"{f}: no SPDX-License-Identifier: Apache-2.0 in its first three lines")
    if f.endswith(".c") and not any(re.match(r"\s*(/\*|//).*\w", line) and "SPDX" not in line or re.match(r" \* \w", line) for line in head):
        problems.append(f"{f}: does not begin with a sentence that says what it is")
_tree.finish(problems, len(sources))
