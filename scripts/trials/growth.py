"""A node is added to three that are full of data: what is moved, and what readers notice.

usage: growth.py [--gibibytes N] [--copies N] [--readers N] [--directory DIR]

Writes a disk, adds a fourth node, and reads at random, past all caches, meanwhile. Tells what the sheep wrote to
their disks beside what the new node has in the end, which is what had to move, and the speed of the readers while it
was moved beside their speed before. Fails if more than 1.1 times that was moved, or if a byte is wrong. As root.
"""

import argparse
import mmap
import os
import random
import statistics
import sys
import threading
import time

from lab import NODES, Lab, eventually

MEBIBYTE = 1 << 20
READ_BYTES = 1 << 16
NEW = 4


def written(lab, nodes):
    """What these sheep had written to their disks, in bytes, whether it is there already or not."""
    total = 0
    for node in nodes:
        with open(f"/proc/{lab.pid(node)}/io") as counters:
            fields = dict(line.split(": ") for line in counters.read().splitlines())
        total += int(fields["write_bytes"]) - int(fields["cancelled_write_bytes"])
    return total


def stored(lab, node):
    total = 0
    with os.scandir(os.path.join(lab.store(node), "obj")) as entries:
        for entry in entries:
            try:
                total += entry.stat().st_blocks * 512
            except FileNotFoundError:
                pass
    return total


def content(block, seed):
    return random.Random(f"{seed} {block}").randbytes(READ_BYTES)


class Readers:
    """Threads that read at random and compare, and count."""

    def __init__(self, path, blocks, seed, count):
        self.path, self.blocks, self.seed = path, blocks, seed
        self.reads, self.wrong, self.ending = [0] * count, [], False
        self.threads = [threading.Thread(target=self._read, args=(n,)) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def _read(self, number):
        picks = random.Random(f"{self.seed} reader {number}")
        file = os.open(self.path, os.O_RDONLY | os.O_DIRECT)
        buffer = mmap.mmap(-1, READ_BYTES)
        while not self.ending:
            block = picks.randrange(self.blocks)
            try:
                os.preadv(file, [buffer], block * READ_BYTES)
                # one in so many, for making what it should be costs more than reading it
                if picks.random() < 0.02 and buffer[:] != content(block, self.seed):
                    self.wrong.append(f"block {block} is wrong")
            except OSError as e:
                self.wrong.append(f"block {block}: {e}")
                time.sleep(1)
            self.reads[number] += 1
        os.close(file)

    def speed(self, until):
        """Reads a second, a figure for each second until something is so."""
        figures = []
        while not until(len(figures)):
            before, start = sum(self.reads), time.monotonic()
            time.sleep(1)
            figures.append((sum(self.reads) - before) / (time.monotonic() - start))
        return figures

    def end(self):
        self.ending = True
        for thread in self.threads:
            thread.join()


def is_done(lab):
    """Whether the new ring is the only one, and all on it have all that is theirs."""
    return lab.epoch(1)[1] == ["SYNCED"] * 4 and lab.dog("node", "recovery", "-r")[1] == ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gibibytes", type=float, default=10)
    parser.add_argument("--copies", type=int, default=2)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--directory")
    args = parser.parse_args()
    lab = Lab("growth", args.directory, session_millis=10000, copies=args.copies, spare=(NEW,))
    try:
        lab.mount("--cache-mode", "off")
        size = int(args.gibibytes * 1024) * MEBIBYTE
        path = lab.mountpoint + "/volume/disk"
        file = os.open(path, os.O_RDWR | os.O_CREAT)
        os.ftruncate(file, size)
        begin = time.monotonic()
        for block in range(0, size // READ_BYTES, 16):
            os.pwrite(file, b"".join(content(b, args.seed) for b in range(block, block + 16)), block * READ_BYTES)
        os.fsync(file)
        os.close(file)
        print(f"{args.gibibytes:g} GiB written with {args.copies} copies in {time.monotonic() - begin:.0f} s", flush=True)

        readers = Readers(path, size // READ_BYTES, args.seed, args.readers)
        try:
            readers.speed(lambda seconds: seconds >= 10)  # to warm up
            before = readers.speed(lambda seconds: seconds >= 20)
            lab.start(NEW)
            eventually("the new node there", lambda: " serving " in lab.log(f"sheep{NEW}"))
            counted = written(lab, (*NODES, NEW))
            begin = time.monotonic()
            said = lab.dog("cluster", "reweight")
            if said[0]:
                raise RuntimeError(said[1])
            during = readers.speed(lambda seconds: seconds % 3 == 2 and is_done(lab))
            took = time.monotonic() - begin
        finally:
            readers.end()
        os.sync()
        moved = written(lab, (*NODES, NEW)) - counted
        share = stored(lab, NEW)
        kept = sum(stored(lab, node) for node in NODES)
        print(f"moved in {took:.0f} s: {moved / MEBIBYTE:.0f} MiB written by all sheep; the new node has {share / MEBIBYTE:.0f} MiB, "
              f"the others {kept / MEBIBYTE:.0f} MiB: {moved / share:.3f} times what had to move")
        print(f"reads of 64 KiB a second: {statistics.median(before):.0f} before, {statistics.median(during):.0f} meanwhile "
              f"({min(during):.0f} to {max(during):.0f}): {statistics.median(during) / statistics.median(before):.2f}")
        print(f"{sum(readers.reads)} reads, wrong: {readers.wrong[:5] or 'none'}; {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.0f}")
        if readers.wrong or moved > 1.1 * share:
            raise RuntimeError("more was moved than had to be, or something was wrong")
    except BaseException:
        print("logs in", lab.directory)
        lab.close()
        raise
    lab.close()
    lab.remove()


if __name__ == "__main__":
    sys.exit(main())
