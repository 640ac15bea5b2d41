#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts the power at durable system calls of each store and accounts for every acknowledged item.

powercut.py DRIVER SHIM [--points N] [--stores log,blob,meta]

Each store's driver runs on a loop-mounted ext4; the preloaded shim shuts the file system down just before the
N-th call that changes it, forgetting all that is not durable; after a remount the driver checks what it had
acknowledged.  A control with a disk that lies about syncs must show losses, or the sweep proves nothing.  Last,
all stores run into a full disk and must go on when there is room.
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

IMAGE_BYTES = 300 << 20
FULL_ROOM = 40 << 20
FS_IOC_SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2
# ext4's own heuristics hide missing syncs: off.
MOUNT_OPTIONS = "loop,data=writeback,noauto_da_alloc"


class Disk:
    """A file system in a file."""

    def __init__(self, folder):
        self.image = os.path.join(folder, "image")
        self.root = os.path.join(folder, "mnt")
        self.mounted = False
        os.mkdir(self.root)
        with open(self.image, "wb") as f:
            f.truncate(IMAGE_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)

    def mount(self):
        subprocess.run(["mount", "-o", MOUNT_OPTIONS, self.image, self.root], check=True, capture_output=True)
        self.mounted = True

    def power_cut(self):
        fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
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
    def __init__(self, args, disk, folder):
        self.args, self.disk, self.folder = args, disk, folder

    def run(self, store, at, lie=False):
        """One run with the power cut before call @at; returns (was cut, acknowledgements, letters of its calls)."""
        trace = os.path.join(self.folder, "trace")
        open(trace, "w").close()
        env = {"LD_PRELOAD": self.args.shim, "FAULT_DIR": self.disk.root, "FAULT_AT": str(at), "FAULT_TRACE": trace}
        if lie:
            env["FAULT_LIE"] = "1"
        p = subprocess.run([self.args.driver, "run", store, os.path.join(self.disk.root, "d")], env=env,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        with open(trace) as f:
            calls = f.read()
        # Between the cut and the kill another thread may see its I/O fail, and end in its own way.
        if p.returncode != 0 and "!" not in calls:
            raise RuntimeError(f"{store}, cut {at}: the driver ended with {p.returncode}: {p.stdout[-300:]} {p.stderr[-300:]}")
        lines = p.stdout.splitlines(keepends=True)
        return "!" in calls, b"".join(line for line in lines if line[:2] in (b"A ", b"D ", b"T ")), calls

    def cut(self, store, at, lie=False):
        """Returns (acknowledged, lines of losses)."""
        self.disk.mount()
        data = os.path.join(self.disk.root, "d")
        shutil.rmtree(data, ignore_errors=True)
        os.mkdir(data)
        sync_folder(self.disk.root)
        os.sync()
        was_cut, acks, _ = self.run(store, at, lie)
        if not was_cut:  # it came along with fewer calls than the traced run
            self.disk.power_cut()
        self.disk.umount()
        self.disk.mount()
        p = subprocess.run([self.args.driver, "check", store, data], input=acks, stdout=subprocess.PIPE, timeout=60)
        self.disk.umount()
        losses = p.stdout.decode().splitlines()
        if p.returncode != 0 and not losses:
            losses = [f"the check ended with {p.returncode}"]
        return acks.count(b"A "), losses

    def trace(self, store):
        """The letters of all calls of a run without a cut."""
        self.disk.mount()
        shutil.rmtree(os.path.join(self.disk.root, "d"), ignore_errors=True)
        _, _, calls = self.run(store, 0)
        self.disk.umount()
        return calls

    def points(self, trace):
        """Cuts evenly over the calls; the many mkdirs at a blob store's first start count as one."""
        calls = [i + 1 for i, c in enumerate(trace) if c != "m" or i == 0 or trace[i - 1] != "m"]
        n = min(self.args.points, len(calls))
        return sorted({calls[(2 * i + 1) * len(calls) // (2 * n)] for i in range(n)} | {calls[0], len(trace)})

    def store(self, store):
        """Returns (cut points, acknowledged, losses, losses of the control)."""
        trace = self.trace(store)
        points = self.points(trace)
        acked, bad = 0, []
        for at in points:
            n, losses = self.cut(store, at)
            acked += n
            bad += [f"cut {at} of {len(trace)} ({trace[max(0, at - 8):at]}): {line}" for line in losses]
        late = points[-max(1, len(points) // 4)]
        return points, acked, bad, len(self.cut(store, late, lie=True)[1])


def full_disk(args, disk):
    """All stores run into a full disk and must go on when there is room again; returns the complaints."""
    disk.mount()
    data, filler = os.path.join(disk.root, "d"), os.path.join(disk.root, "filler")
    shutil.rmtree(data, ignore_errors=True)
    os.mkdir(data)
    with open(filler, "wb") as f:
        st = os.statvfs(disk.root)
        os.posix_fallocate(f.fileno(), 0, st.f_bfree * st.f_bsize - FULL_ROOM)
    p = subprocess.run([args.driver, "full", filler, data], stdout=subprocess.PIPE, timeout=120)
    disk.umount()
    return p.stdout.decode().splitlines() or ([f"the driver ended with {p.returncode}"] if p.returncode else [])


def skip(why):
    print(f"1..0 # SKIP power cuts: {why}")
    print(f"SKIPPED power cuts: {why}", file=sys.stderr)
    sys.exit(0)


def make_disk(folder):
    if os.geteuid() != 0:
        skip("needs root")
    for tool in ("mkfs.ext4", "mount", "umount"):
        if not shutil.which(tool):
            skip(f"{tool} is not installed")
    disk = Disk(folder)
    try:
        disk.mount()
    except subprocess.CalledProcessError as e:
        skip("loop mounts are not permitted here: " + e.stderr.decode().strip())
    disk.umount()
    return disk


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("driver")
    ap.add_argument("shim")
    ap.add_argument("--points", type=int, default=60)
    ap.add_argument("--stores", default="log,blob,meta")
    args = ap.parse_args()
    args.driver, args.shim = os.path.abspath(args.driver), os.path.abspath(args.shim)
    stores = args.stores.split(",")
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="mulgil-powercut-", dir=base)
    disk, failed = None, 0
    try:
        disk = make_disk(folder)
        print(f"1..{2 * len(stores) + 1}", flush=True)
        for i, store in enumerate(stores):
            start = time.monotonic()
            points, acked, bad, control = Sweep(args, disk, folder).store(store)
            for line in bad[:20]:
                print("#", line)
            print(f"{'not ok' if bad or not acked else 'ok'} {2 * i + 1} - {store}: {len(points)} cuts, {acked} acknowledged items, "
                  f"{len(bad)} lost ({time.monotonic() - start:.0f} s)")
            print(f"{'ok' if control else 'not ok'} {2 * i + 2} - {store}: a disk that lies about syncs is noticed ({control} losses)",
                  flush=True)
            failed += bool(bad) or not acked or not control
        bad = full_disk(args, disk)
        for line in bad[:20]:
            print("#", line)
        print(f"{'not ok' if bad else 'ok'} {2 * len(stores) + 1} - a full disk loses nothing, and all goes on when there is room")
        failed += bool(bad)
    finally:
        if disk:
            disk.umount()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
