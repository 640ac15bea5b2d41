# SPDX-License-Identifier: Apache-2.0
"""What the checks share: the project's files, C text without comments, and how a check ends."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILT = ("build", ".cache", ".git", "node_modules", "__pycache__")


def files(*ends):
    """The project's files (committed or not, never what is ignored), relative to its root."""
    git = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
    if git.returncode == 0:
        found = git.stdout.splitlines()
    else:
        found = [os.path.relpath(os.path.join(d, f), ROOT) for d, _, fs in os.walk(ROOT) for f in fs]
        found = [f for f in found if not f.split("/")[0].startswith(BUILT)]
    found = [f for f in found if os.path.isfile(os.path.join(ROOT, f))]
    return sorted(f for f in set(found) if not ends or f.endswith(ends))


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def code(path):
    """A C file with comments, strings and characters blanked out; lines stay where they are."""
    def blank(m):
        s = m.group(0)
        return ('""' if s[0] == '"' else "' '" if s[0] == "'" else " ") + "\n" * s.count("\n")
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text(path), flags=re.S)


def finish(problems, checked):
    """Prints what is wrong and ends the check; a check that looked at nothing is wrong too."""
    for p in problems:
        print(p)
    if not checked:
        print("nothing was checked")
    print(f"{checked} checked, {len(problems)} wrong")
    sys.exit(1 if problems or not checked else 0)
