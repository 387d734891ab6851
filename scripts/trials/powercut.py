"""Power cuts with real processes: the folder of a store, or of a cache, is on a disk that stops at random instants.

usage: powercut.py [--what store|cache] [--cuts N] [--seconds N] [--seed N] [--directory DIR] [--lie]

The disk is an image on a file system that can clone files. At each cut the image is cloned while four threads write and
fsync, sheepfs is killed, and it goes on with the clone, in what it takes for another run of the machine. What had been
fsynced before the clone began has to be there, each block whole, and none newer than what was ever written.

With --what cache the cluster, a sheep, keeps its power; only the machine with the mount loses it. --lie takes every
block for fsynced as soon as it is written, and never calls fsync: that must fail, and shows that the trial sees losses. Ends with 1 and keeps
the images if anything is wrong. As root, with mkfs.xfs; 'make build' first.
"""

import argparse
import fcntl
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BLOCK = 4096
BLOCKS = 2048
WRITERS = 4
HEAD = struct.Struct("<IIQ")  # magic, block, sequence; then a checksum of all else
MAGIC = 0x54554350
FICLONE = 0x40049409


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}")
    return done.stdout


def eventually(what, condition):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("it does not come to: " + what)
        time.sleep(0.05)


def content(block, sequence):
    body = HEAD.pack(MAGIC, block, sequence) + struct.pack("<Q", sequence * 31 + block) * ((BLOCK - HEAD.size - 8) // 8)
    return body + struct.pack("<Q", zlib.crc32(body))


def unmount(folder):
    return subprocess.run(["umount", folder], stderr=subprocess.DEVNULL, check=False).returncode == 0


class Machine:
    """A machine whose disk is at {work}/disk, and a mount on it."""

    def __init__(self, work, what):
        self.work, self.what, self.boot = work, what, 0
        self.sheep = self.mounted = self.port = None
        self.host, self.disk, self.mount = (os.path.join(work, name) for name in ("host", "disk", "mnt"))
        for folder in (self.host, self.disk, self.mount):
            os.makedirs(folder)
        self.make(work + "/host.img", 8 << 30, "mkfs.xfs", "-q", "-m", "reflink=1")
        run("mount", "-o", "loop", work + "/host.img", self.host)
        self.image = self.host + "/disk0.img"
        self.make(self.image, 1 << 30, "mkfs.ext4", "-q", "-F")
        run("mount", "-o", "loop", self.image, self.disk)
        if what == "cache":
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            self.sheep = self.start(["bin/sheep", "-f", "-p", str(self.port), work + "/store"], "sheep")
            eventually("the sheep serves", lambda: "serving " in self.log("sheep"))
            run(ROOT + "/bin/dog", "cluster", "format", "-c", "1", "-p", str(self.port))

    @staticmethod
    def make(image, size, *mkfs):
        with open(image, "wb") as file:
            file.truncate(size)
        run(*mkfs, image)

    def start(self, command, log):
        with open(f"{self.work}/{log}.log", "ab") as out:
            return subprocess.Popen([os.path.join(ROOT, command[0]), *command[1:]], stdout=out, stderr=out)

    def log(self, name):
        with open(f"{self.work}/{name}.log", encoding="utf-8", errors="replace") as file:
            return file.read()

    def power_on(self):
        """Mounts; the process believes in a boot of its own."""
        self.boot += 1
        boot = f"{self.work}/boot{self.boot}"
        with open(boot, "w") as file:
            file.write(f"boot-{self.boot}\n")
        options = ["--store", self.disk + "/store"] if self.what == "store" else [
            "-p", str(self.port), "--cache-dir", self.disk + "/cache", "--cache-free-space", "0"]
        # the namespace has copies of all mounts: one of another sheepfs would keep that from ending
        script = """
            awk '$3 ~ /^fuse/ {print $2}' /proc/self/mounts | while read -r other; do umount -l "$other"; done
            mount --bind "$1" /proc/sys/kernel/random/boot_id
            shift
            exec "$@"
            """
        with open(f"{self.work}/sheepfs{self.boot}.log", "wb") as out:
            self.mounted = subprocess.Popen(
                ["unshare", "-m", "--propagation", "private", "sh", "-ec", script, "sh", boot,
                 ROOT + "/bin/sheepfs", "-f", *options, self.mount], stdout=out, stderr=out)
        name = f"sheepfs{self.boot}"
        eventually("mounted", lambda: " mounted at " in self.log(name) or self.mounted.poll() is not None)
        if self.mounted.poll() is not None:
            raise RuntimeError("sheepfs ended: " + self.log(name))
        return f"/proc/{self.mounted.pid}/root{self.mount}/volume/disk"

    def cut(self):
        """Clones the disk as it is at this instant."""
        clone = f"{self.host}/disk{self.boot}.img"
        with open(self.image, "rb") as now, open(clone, "wb") as then:
            # no program does this for us: its start would close copies of the writers' files, which flushes them
            fcntl.ioctl(then, FICLONE, now.fileno())
        return clone

    def power_off(self, clone):
        self.mounted.kill()
        self.mounted.wait()
        self.mounted = None
        run("umount", self.disk)
        os.unlink(self.image)
        self.image = clone
        run("mount", "-o", "loop", clone, self.disk)

    def close(self):
        for process in (self.mounted, self.sheep):
            if process is not None:
                process.kill()
                process.wait()
        for folder in (self.disk, self.host):
            # the namespace of a process that was killed holds them for a moment
            eventually("unmounted " + folder, lambda: not os.path.ismount(folder) or unmount(folder))


class Writers:
    """Threads that write and fsync; each has blocks of its own."""

    def __init__(self, rng, lie):
        self.attempted, self.synced, self.lie = [0] * BLOCKS, [0] * BLOCKS, lie
        self.rng, self.stop, self.fsyncs, self.errors = rng, threading.Event(), 0, []

    def start(self, path):
        self.stop.clear()
        self.threads = [
            threading.Thread(target=self.write, args=(path, n, random.Random(self.rng.random()))) for n in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def write(self, path, number, rng):
        try:
            file = os.open(path, os.O_RDWR)
        except OSError as e:
            if not self.stop.is_set():
                self.errors.append(e)
            return
        try:
            since = {}
            while True:
                block = rng.randrange(BLOCKS // WRITERS) * WRITERS + number
                self.attempted[block] += 1
                os.pwrite(file, content(block, self.attempted[block]), block * BLOCK)
                since[block] = self.attempted[block]
                if self.lie:
                    self.synced[block] = self.attempted[block]
                    time.sleep(0.002)  # the store forces by itself what is written a lot
                elif rng.randrange(12) == 0:
                    os.fsync(file)
                    for one, sequence in since.items():
                        self.synced[one] = sequence
                    since = {}
                    self.fsyncs += 1
        except OSError as e:
            if not self.stop.is_set():
                self.errors.append(e)
        finally:
            try:
                os.close(file)
            except OSError:
                pass  # its mount is gone

    def join(self):
        for thread in self.threads:
            thread.join()

    def verify(self, path, least, wrong):
        with open(path, "rb") as file:
            for block in range(BLOCKS):
                found = file.read(BLOCK)
                if found == bytes(BLOCK):
                    sequence = 0
                else:
                    magic, number, sequence = HEAD.unpack_from(found)
                    if magic != MAGIC or number != block or found != content(block, sequence):
                        wrong.append(f"block {block} is torn or foreign")
                        continue
                if not least[block] <= sequence <= self.attempted[block]:
                    wrong.append(f"block {block} has write {sequence}, not {least[block]} to {self.attempted[block]}")
                self.synced[block] = sequence  # it was read from the disk, and must stay


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--what", choices=("store", "cache"), default="store")
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=3600, help="ends earlier, after so long")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--directory")
    parser.add_argument("--lie", action="store_true")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = args.directory or tempfile.mkdtemp(prefix="powercut.", dir="/var/tmp")
    os.makedirs(work, exist_ok=True)
    print(f"{args.what}: {args.cuts} cuts, seed {args.seed}", flush=True)
    rng, wrong, cuts, start = random.Random(args.seed), [], 0, time.monotonic()
    writers = Writers(rng, args.lie)
    machine = None
    try:
        machine = Machine(work, args.what)
        path = machine.power_on()
        with open(path, "wb") as file:
            file.truncate(BLOCKS * BLOCK)
            os.fsync(file.fileno())
        while cuts < args.cuts and time.monotonic() - start < args.seconds and not wrong:
            before = sum(writers.attempted)
            writers.start(path)
            eventually("something is written", lambda: sum(writers.attempted) > before + 2 * WRITERS or writers.errors)
            time.sleep(0.1 + 1.5 * rng.random() ** 2)
            least = list(writers.synced)
            clone = machine.cut()
            writers.stop.set()
            machine.power_off(clone)
            writers.join()
            wrong += [f"a writer: {e}" for e in writers.errors]
            path = machine.power_on()
            writers.verify(path, least, wrong)
            cuts += 1
        seconds = time.monotonic() - start
        print(f"{cuts} cuts, {sum(writers.attempted)} blocks, {writers.fsyncs} fsyncs, {len(wrong)} wrong; {seconds:.0f} s")
        for line in wrong[:10]:
            print("  " + line)
    finally:
        if machine is not None:
            machine.close()
        if wrong or sys.exc_info()[0] is not None:
            print("images and logs in", work)
        elif not os.path.ismount(work + "/host") and not os.path.ismount(work + "/disk"):
            shutil.rmtree(work)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
