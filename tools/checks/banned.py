#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Functions that are not used, and what to use instead; fsync in one file only."""
import re

import _tree

BANNED = {
    r"v?sprintf|strcpy|stpcpy|strcat|strncpy|strncat": "use base/buf.h, snprintf or arena_printf",
    r"strtok|strtok_r": "use view_split",
    r"atoi|atol|atoll|atof|strtol|strtoul|strtoll|strtoull|v?f?sscanf|scanf|fscanf": "use view_u64 or view_i64",
    r"gets": "use file_read",
    r"system|popen": "use os/proc.h",
    r"alloca": "use an arena",
    r"rand|srand|random|srandom|rand_r|drand48": "use os/crypto.h",
    r"strerror": "use err_sys",
    r"gmtime|localtime|asctime|ctime|mktime": "use base/time.h",
}
ONLY_IN = {
    r"fsync|fdatasync|sync_file_range|syncfs": ["src/os/file.c"],
    r"fork|vfork|posix_spawnp?": ["src/os/proc.c", "src/store/sqlworker/main.c"],  # the latter has one thread
}


def calls(names, line):
    return re.search(rf"(?<![\w.>])(?:{names})\s*\(", line)


problems = []
sources = [f for f in _tree.files(".c", ".h") if f.startswith(("src/", "functions/", "tests/", "bench/", "examples/"))]
for path in sources:
    for n, line in enumerate(_tree.code(path).splitlines(), 1):
        for names, instead in BANNED.items():
            m = calls(names, line)
            if m:
                problems.append(f"{path}:{n}: {m.group(0).strip('( ')} is not used: {instead}")
        for names, only in ONLY_IN.items():
            m = calls(names, line)
            if m and path not in only and not path.startswith("tests/"):
                problems.append(f"{path}:{n}: {m.group(0).strip('( ')} is called in {' and '.join(only)} alone")
        if path.startswith("tests/") and calls("sleep|usleep|nanosleep", line):
            problems.append(f"{path}:{n}: tests wait for something, with a bound; they do not sleep")
_tree.finish(problems, len(sources))
