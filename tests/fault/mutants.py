#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes out one safeguard at a time (src/base/mutant.h) and looks whether the fault tests notice.

mutants.py SHIM STORE_DRIVER S3_DRIVER FLIPS       all four built with -DMUTANTS, but the shim

A power cut, a kill or a flipped bit that goes unnoticed here would go unnoticed in the program.  For each mutant, cuts are
tried until one shows a loss.  Skipped, loudly, where powercut.py is.  Prints TAP.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

import powercut

# Number, what is missing, the driver that has to notice, how its cuts are done.
MUTANTS = [
    (1, "the sync of a blob's bytes", "blob", {}),
    (2, "the sync of a blob's name", "blob", {}),
    (3, "the comparison with the client's checksum", "s3", {}),
    (4, "the sync of a group of packed blobs before its answers", "s3", {}),
    (5, "the sync of a new segment's name", "log", {}),
    (6, "the sync of a commit before its answers (synchronous=NORMAL)", "s3", {}),
    (7, "the order: replaced bytes are deleted before the commit", "s3", {"kill": True}),
    (8, "the check of a block when it is read", "flips", {}),
    (9, "the check of a page of metadata when it is read", "flips", {}),
    (10, "the one transaction of object and upload at Complete", "upload", {}),
    (11, "the durable list of what is to be deleted", "s3", {}),
    (12, "the look at rows before a sweep", "s3", {}),
    (4, "the sync of a group of records before its answers", "log", {}),
    (13, "the keys of a complete segment, kept for clients that repeat a request", "log", {}),
    (14, "the sync of a new segment's header before its name", "log", {"cuts": 250}),
    (15, "the order: callers are answered before their transaction is committed", "meta", {}),
]
CUTS_MAX = 60
UPLOAD_CUTS = 200  # of s3's short script: all of them


def cuts(args, disk, folder, store, how):
    """(how many cuts it took, the loss), or (how many there were, None)."""
    how = dict(how)
    args.points = how.pop("cuts", CUTS_MAX)
    os.environ.pop("MULGIL_SCRIPT", None)
    if store == "upload":
        args.points, store, os.environ["MULGIL_SCRIPT"] = UPLOAD_CUTS, "s3", "upload"
    sweep = powercut.Sweep(args, disk, folder, store)
    try:
        points = sweep.points(sweep.trace())
        # Spread from the beginning, so that few are needed: 0, 1/2, 1/4, 3/4, 1/8 ...
        order = sorted(range(len(points)), key=lambda i: int(f"{i:010b}"[::-1], 2))
        for n, i in enumerate(order):
            losses = sweep.cut(points[i], **how)[1]
            if losses:
                return n + 1, losses[0]
        return len(order), None
    except RuntimeError as e:  # the run itself has noticed
        return 0, str(e)
    finally:
        disk.umount()


def flips(args):
    p = subprocess.run([args.flips], env=dict(os.environ, MULGIL_FLIPS="60"), stdout=subprocess.PIPE, timeout=300)
    lines = [line for line in p.stdout.decode().splitlines() if line.startswith("# ")]
    return len(lines), lines[0][2:] if p.returncode and lines else None


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("shim", "store_driver", "s3_driver", "flips"):
        ap.add_argument(name)
    ap.add_argument("--only", type=int, nargs="*")
    args = ap.parse_args()
    for name in ("shim", "store_driver", "s3_driver", "flips"):
        setattr(args, name, os.path.abspath(getattr(args, name)))
    todo = [m for m in MUTANTS if not args.only or m[0] in args.only]
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="mulgil-mutants-", dir=base)
    failed, disks = 0, []
    try:
        disks = powercut.make_disks(folder, ["ext4"])
        print(f"1..{len(todo)}", flush=True)
        for i, (n, what, driver, how) in enumerate(todo):
            os.environ["MULGIL_MUTANT"] = str(n)
            tried, loss = flips(args) if driver == "flips" else cuts(args, disks[0], folder, driver, how)
            failed += not loss
            print(f"{'ok' if loss else 'not ok'} {i + 1} - without {what}: " +
                  (f"noticed after {tried}: {loss[:160].strip()}" if loss else f"NOT noticed in {tried} tries"), flush=True)
    finally:
        for disk in disks:
            disk.umount()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
