#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a C header that holds the bytes of a file.

usage: embed.py FILE HEADER NAME
"""
import sys

data, out, name = open(sys.argv[1], 'rb').read(), sys.argv[2], sys.argv[3]
rows = [', '.join(str(b - 256 if b > 127 else b) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
with open(out, 'w') as f:
    f.write('/* Made by tools/embed.py. */\n#pragma once\n\nstatic const char %s[] = {\n\t%s,\n};\n' % (name, ',\n\t'.join(rows)))
