#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts the power at durable system calls of each store and of S3, and accounts for every acknowledged item.

powercut.py SHIM STORE_DRIVER S3_DRIVER [--fs ext4,xfs] [--stores log,blob,meta,s3] [--points N]

Each store's driver runs on a loop-mounted file system; the preloaded shim shuts it down just before the N-th call
that changes it, forgetting all that is not durable; after a remount the driver checks what it had acknowledged.
Some recoveries are cut as well, and must succeed the second time.  A control with a disk that lies about syncs
must show losses, or the sweep proves nothing.  The log's driver is also killed (SIGKILL) there, its disk left on.  Last, all stores run into a full disk and must go on when there is room.
Cuts are spread evenly over the calls; --points 0, or MULGIL_POWERCUTS=all in the environment, cuts before each one.
Needs root, mount and loop devices: without them it is skipped, loudly.  Prints TAP.
"""
import argparse
import fcntl
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

FULL_ROOM = 40 << 20
FS_IOC_SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2
# Bytes of the image, how to make it, how to mount it.  ext4's own heuristics hide missing syncs: off.
FILE_SYSTEMS = {
    "ext4": (300 << 20, ["mkfs.ext4", "-q", "-F"], "loop,data=writeback,noauto_da_alloc"),
    "xfs": (320 << 20, ["mkfs.xfs", "-q", "-f"], "loop"),
}
POINTS = {"log": 15, "blob": 15, "meta": 15, "s3": 50}
KILLS = {"log"}  # stores that are killed, too
CONTROLS = 4  # runs on a lying disk, until one of them shows losses


class Disk:
    """A file system in a file."""

    def __init__(self, folder, fs):
        size, mkfs, self.options = FILE_SYSTEMS[fs]
        self.fs = fs
        self.image = os.path.join(folder, fs)
        self.root = os.path.join(folder, fs + "-mnt")
        self.mounted = False
        os.mkdir(self.root)
        with open(self.image, "wb") as f:
            f.truncate(size)
        subprocess.run(mkfs + [self.image], check=True)

    def mount(self):
        subprocess.run(["mount", "-o", self.options, self.image, self.root], check=True, capture_output=True)
        self.mounted = True

    def power_cut(self):
        try:
            fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return  # it is off already
        fcntl.ioctl(fd, FS_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        os.close(fd)

    def umount(self):
        if self.mounted:
            subprocess.run(["umount", self.root], check=True)
            self.mounted = False


def sync_folder(path):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(fd)
    os.close(fd)


class Sweep:
    """One store on one file system."""

    def __init__(self, args, disk, folder, store):
        self.disk, self.folder, self.store, self.args = disk, folder, store, args
        self.driver = [args.s3_driver] if store == "s3" else [args.store_driver]
        self.what = [] if store == "s3" else [store]
        self.data = os.path.join(disk.root, "d")

    def drive(self, verb, at=None, stdin=b"", **how):
        """Runs the driver, with the power cut before call @at: (exit status, output, letters of its calls)."""
        env, calls = {k: v for k, v in os.environ.items() if k.startswith("MULGIL_")}, ""
        trace = os.path.join(self.folder, "trace")
        if at is not None:
            open(trace, "w").close()
            env.update({"LD_PRELOAD": self.args.shim, "FAULT_DIR": self.disk.root, "FAULT_AT": str(at), "FAULT_TRACE": trace})
            env.update({f"FAULT_{name.upper()}": "1" for name, on in how.items() if on})
        p = subprocess.run(self.driver + [verb] + self.what + [self.data], env=env, input=stdin,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        if at is not None:
            with open(trace) as f:
                calls = f.read()
        return p.returncode, p.stdout, p.stderr, calls

    def fresh(self):
        self.disk.mount()
        shutil.rmtree(self.data, ignore_errors=True)
        os.mkdir(self.data)
        sync_folder(self.disk.root)
        os.sync()

    def run(self, at, **how):
        """Returns (was cut, acknowledgements, letters)."""
        status, out, errors, calls = self.drive("run", at, **how)
        # Between the cut and the kill another thread may see its I/O fail, and end in its own way.
        if status != 0 and "!" not in calls:
            raise RuntimeError(f"{self.store}, cut {at}: the driver ended with {status}: {out[-300:]} {errors[-300:]}")
        return "!" in calls, b"".join(line for line in out.splitlines(keepends=True) if line[:2] in (b"A ", b"D ", b"T ")), calls

    def check(self, acks):
        status, out, errors, _ = self.drive("check", stdin=acks)
        losses = [line for line in out.decode().splitlines() if line.startswith(("LOST", "FAILED"))]
        return losses or ([f"the check ended with {status}: {errors[-300:]}"] if status else [])

    def cut(self, at, again=0, **how):
        """Returns (acknowledged, lines of losses).  @again: the recovery is cut before this call, too.  @how: lie, kill."""
        self.fresh()
        was_cut, acks, _ = self.run(at, **how)
        if not was_cut and not how.get("kill"):  # it came along with fewer calls than the traced run
            self.disk.power_cut()
        self.disk.umount()
        self.disk.mount()
        if again:
            self.drive("check", again, stdin=acks)
            self.disk.power_cut()
            self.disk.umount()
            self.disk.mount()
        losses = self.check(acks)
        self.disk.umount()
        return acks.count(b"A "), losses

    def trace(self):
        """The letters of all calls of a run without a cut."""
        self.fresh()
        _, _, calls = self.run(0)
        self.disk.umount()
        return calls

    def points(self, trace):
        """Cuts evenly over the calls; a folder's many mkdirs at the first start count as one."""
        calls = [i + 1 for i, c in enumerate(trace) if c != "m" or i == 0 or trace[i - 1] != "m"]
        n = min(self.args.points or len(calls), len(calls)) if self.args.points is not None else min(POINTS[self.store], len(calls))
        return sorted({calls[(2 * i + 1) * len(calls) // (2 * n)] for i in range(n)} | {calls[0], len(trace)})

    def sweep(self):
        """Returns (cut points, acknowledged, losses, losses of the control)."""
        trace = self.trace()
        points, acked, bad, control = self.points(trace), 0, [], 0
        for i, at in enumerate(points):
            n, losses = self.cut(at, again=7 + i % 23 if i % 10 == 5 else 0)
            acked += n
            bad += [f"cut {at} of {len(trace)} ({trace[max(0, at - 8):at]}): {line}" for line in losses]
        for late in points[-max(1, len(points) // 4)::3][:CONTROLS]:
            control = control or len(self.cut(late, lie=True)[1])
        return points, acked, bad, control

    def kills(self, points):
        """SIGKILL before the same calls: (acknowledged, losses)."""
        acked, bad = 0, []
        for at in points:
            n, losses = self.cut(at, kill=True)
            acked += n
            bad += [f"kill {at}: {line}" for line in losses]
        return acked, bad


def full_disk(args, disk):
    """All stores run into a full disk and must go on when there is room again; returns the complaints."""
    disk.mount()
    data, filler = os.path.join(disk.root, "d"), os.path.join(disk.root, "filler")
    shutil.rmtree(data, ignore_errors=True)
    os.mkdir(data)
    with open(filler, "wb") as f:
        st = os.statvfs(disk.root)
        os.posix_fallocate(f.fileno(), 0, st.f_bfree * st.f_bsize - FULL_ROOM)
    p = subprocess.run([args.store_driver, "full", filler, data], stdout=subprocess.PIPE, timeout=120)
    disk.umount()
    return p.stdout.decode().splitlines() or ([f"the driver ended with {p.returncode}"] if p.returncode else [])


def skip(why):
    print(f"1..0 # SKIP power cuts: {why}")
    print(f"SKIPPED power cuts: {why}", file=sys.stderr)
    sys.exit(0)


def make_disks(folder, names):
    if os.geteuid() != 0:
        skip("needs root")
    for tool in ["mount", "umount"] + [FILE_SYSTEMS[n][1][0] for n in names]:
        if not shutil.which(tool):
            skip(f"{tool} is not installed")
    disks = [Disk(folder, n) for n in names]
    for disk in disks:
        try:
            disk.mount()
        except subprocess.CalledProcessError as e:
            skip(f"loop mounts of {disk.fs} are not permitted here: " + e.stderr.decode().strip())
        disk.umount()
    return disks


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("shim")
    ap.add_argument("store_driver")
    ap.add_argument("s3_driver")
    ap.add_argument("--fs", default="ext4,xfs")
    ap.add_argument("--stores", default="log,blob,meta,s3")
    ap.add_argument("--points", type=int, default=0 if os.environ.get("MULGIL_POWERCUTS") == "all" else None)
    args = ap.parse_args()
    for name in ("shim", "store_driver", "s3_driver"):
        setattr(args, name, os.path.abspath(getattr(args, name)))
    stores, no, failed, disks = args.stores.split(","), 0, 0, []
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="mulgil-powercut-", dir=base)

    def report(good, text, lines=()):
        nonlocal no, failed
        no += 1
        failed += not good
        for line in lines[:20]:
            print("#", line)
        print(f"{'ok' if good else 'not ok'} {no} - {text}", flush=True)

    try:
        disks = make_disks(folder, args.fs.split(","))
        print(f"1..{len(disks) * (2 * len(stores) + len(KILLS & set(stores)) + 1)}", flush=True)
        for disk in disks:
            for store in stores:
                start = time.monotonic()
                sweep = Sweep(args, disk, folder, store)
                points, acked, bad, control = sweep.sweep()
                report(acked and not bad, f"{store} on {disk.fs}: {len(points)} cuts, {acked} acknowledged items, "
                       f"{len(bad)} lost ({time.monotonic() - start:.0f} s)", bad)
                report(control, f"{store} on {disk.fs}: a disk that lies about syncs is noticed ({control} losses)")
                if store in KILLS:
                    acked, bad = sweep.kills(points)
                    report(acked and not bad, f"{store} on {disk.fs}: {len(points)} kills, {acked} acknowledged items, {len(bad)} lost", bad)
            bad = full_disk(args, disk)
            report(not bad, f"a full {disk.fs} loses nothing, and all goes on when there is room", bad)
    finally:
        for disk in disks:
            disk.umount()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
