#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes console__files[] (src/console/console_int.h): the files of the built page, with their types.

usage: embed_files.py FOLDER C-FILE
"""
import os
import sys

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2"}

folder, out = sys.argv[1:]
names = sorted(os.path.relpath(os.path.join(d, f), folder) for d, _, fs in os.walk(folder) for f in fs)
if "index.html" not in names:
    sys.exit(f"embed_files.py: {folder}/index.html is missing: the page was not built")
with open(out, "w", encoding="utf-8") as c:
    c.write("/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by tools/embed_files.py: the built page. */\n"
            '#include "console/console_int.h"\n')
    for i, name in enumerate(names):
        with open(os.path.join(folder, name), "rb") as f:
            data = f.read()
        c.write(f"\nstatic const unsigned char file_{i}[] = {{\n")
        for at in range(0, len(data), 24):
            c.write("\t" + ", ".join(map(str, data[at:at + 24])) + ",\n")
        c.write("};\n")
    c.write("\nconst struct console_file console__files[] = {\n")
    for i, name in enumerate(names):
        ending = os.path.splitext(name)[1]
        if ending not in TYPES or '"' in name or "\\" in name:
            sys.exit(f"embed_files.py: {name}: no type is known for it")
        c.write(f'\t{{ "/{name}", "{TYPES[ending]}", file_{i}, sizeof(file_{i}) }},\n')
    c.write("};\nconst size_t console__n_files = sizeof(console__files) / sizeof(console__files[0]);\n")
