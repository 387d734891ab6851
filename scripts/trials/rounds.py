"""Rounds of trouble under a mount that is written to and read all the time.

usage: rounds.py [--rounds N] [--seconds N] [--seed N] [--directory DIR] [--kinds kill,freeze,cut,apart,zookeeper,all]
                 [--hold SECONDS] [-- MOUNT OPTIONS]

Every block that is written says which it is and the how-manieth write of it; four threads write and read
theirs, each block is read back after each round past all caches of the kernel, the three disks are compared,
and 'dog vdi check' has the last word. fio --verify runs on a disk of its own meanwhile. As root, for it makes
network namespaces.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import struct
import sys
import threading
import time

from lab import NODES, Lab, eventually

BLOCK = 4096
BLOCKS = 1024
SPREAD = 8  # blocks apart, so that many objects are touched
THREADS = 4


class Writer(threading.Thread):
    """Writes blocks of its own share in a file, and reads them."""

    def __init__(self, path, share, seed):
        super().__init__(daemon=True)
        self.path, self.share = path, share
        self.random = random.Random(seed)
        self.versions = {}
        self.going = threading.Event()
        self.busy = threading.Lock()
        self.ended = False
        self.problems = []
        self.longest = 0.0
        self.operations = 0

    @staticmethod
    def content(block, version):
        return struct.pack("<QQ", block, version) * (BLOCK // 16) if version else bytes(BLOCK)

    def run(self):
        file = os.open(self.path, os.O_RDWR)
        while not self.ended:
            if not self.going.wait(0.1):
                continue
            with self.busy:
                if self.going.is_set():
                    self.step(file)
            time.sleep(0.002)
        os.close(file)

    def step(self, file):
        started = time.monotonic()
        block = self.random.randrange(BLOCKS // THREADS) * THREADS + self.share
        try:
            choice = self.random.random()
            if choice < 0.6:
                version = self.versions.get(block, 0) + 1
                data = self.content(block, version)
                if os.pwrite(file, data, block * SPREAD * BLOCK) != BLOCK:
                    raise OSError("short write")
                self.versions[block] = version
            elif choice < 0.97:
                self.check(file, block)
            else:
                os.fsync(file)
        except OSError as e:
            self.problems.append(f"block {block}: {e}")
        self.longest = max(self.longest, time.monotonic() - started)
        self.operations += 1

    def rests(self, seconds):
        """Whether it is in the middle of nothing, now that it must begin nothing."""
        if not self.busy.acquire(timeout=seconds):
            return False
        self.busy.release()
        return True

    def check(self, file, block):
        found = os.pread(file, BLOCK, block * SPREAD * BLOCK)
        if found != self.content(block, self.versions.get(block, 0)):
            self.problems.append(f"block {block}: {found[:16].hex()} instead of version {self.versions.get(block, 0)}")

    def check_all(self):
        file = os.open(self.path, os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        for block in range(self.share, BLOCKS, THREADS):
            self.check(file, block)
        os.close(file)


def write_and_read(path, seeds, pipe):
    """A process of its own: whoever starts a program closes his files there, which has to wait for the cluster."""
    writers = [Writer(path, share, seed) for share, seed in enumerate(seeds)]
    for writer in writers:
        writer.start()
    while True:
        command = pipe.recv()
        if command == "go":
            for writer in writers:
                writer.longest, writer.operations, writer.problems = 0.0, 0, []
                writer.going.set()
            pipe.send(None)
            continue
        for writer in writers:
            writer.going.clear()
        stuck = [writer.share for writer in writers if not writer.rests(180)]
        if stuck:
            pipe.send(RuntimeError(f"a write hangs: {stuck}"))
            continue
        file = os.open(path, os.O_RDWR)
        os.fsync(file)
        os.close(file)
        for writer in writers:
            writer.check_all()
            writer.ended = command == "end"
        pipe.send((
            sum(writer.operations for writer in writers),
            max(writer.longest for writer in writers),
            [problem for writer in writers for problem in writer.problems]))
        if command == "end":
            return


def ask(pipe, command):
    pipe.send(command)
    answer = pipe.recv()
    if isinstance(answer, Exception):
        raise answer
    return answer


class Fio:
    """fio --verify on a disk of its own, one job after another."""

    def __init__(self, lab, path):
        self.lab, self.path = lab, path
        self.said = os.path.join(lab.directory, "fio.json")
        self.thread, self.resting, self.problems = None, False, []
        self.written, self.longest, self.jobs = 0, 0.0, 0

    def go(self):
        self.resting, self.problems, self.longest = False, [], 0.0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def rest(self):
        """Waits for the job that runs, which verifies what it wrote; what was wrong since it went on."""
        self.resting = True
        self.thread.join(180)
        if self.thread.is_alive():
            raise RuntimeError("fio hangs")
        return self.problems

    def _run(self):
        while not self.resting and not self.problems:
            code = self.lab.run_at_client(
                "fio", "fio", "--name=verify", f"--filename={self.path}", f"--randseed={self.jobs + 1}", "--rw=randwrite", "--bsrange=4k-64k",
                "--size=32m", "--rate=8m", "--direct=1", "--ioengine=libaio", "--iodepth=4", "--fsync=64", "--verify=crc32c", "--verify_backlog=128",
                "--verify_fatal=1", "--output-format=json", f"--output={self.said}")
            if code:
                self.problems.append(f"fio ended with {code}: {self.lab.log('fio').strip()}")
                return
            with open(self.said) as file:
                job = json.load(file)["jobs"][0]
            if job["read"]["io_bytes"] < job["write"]["io_bytes"]:
                self.problems.append(f"fio verified {job['read']['io_bytes']} of {job['write']['io_bytes']} bytes")
            self.written += job["write"]["io_bytes"]
            self.longest = max(self.longest, *(job[kind]["lat_ns"]["max"] / 1e9 for kind in ("read", "write", "sync")))
            self.jobs += 1


def hurt(lab, kind, victim, dice, hold):
    hold = hold or dice.choice([0.3, 2, lab.session_millis / 1000 + 3])
    if kind == "kill":
        lab.kill(victim)
        time.sleep(hold)
        lab.start(victim)
    elif kind == "freeze":
        lab.signal(victim, signal.SIGSTOP)
        time.sleep(hold)
        lab.signal(victim, signal.SIGCONT)
    elif kind == "cut":
        lab.cut(victim)
        time.sleep(hold)
        lab.mend(victim)
    elif kind == "apart":
        a, b = (str(victim), str(dice.choice([n for n in NODES if n != victim])))
        pairs = dice.choice([[(a, b), (b, a)], [(a, b)], [(b, a)]])
        for source, target in pairs:
            lab.silence(source, target)
        time.sleep(hold)
        for source, target in pairs:
            lab.hear(source, target)
        time.sleep(lab.session_millis / 1000 * 2)  # whoever was left out comes back only when it has been heard for a while
    elif kind == "zookeeper":
        lab.kill("zookeeper")
        time.sleep(hold)
        lab.start_zookeeper()
    else:
        for node in NODES:
            lab.kill(node)
        for node in NODES:
            lab.start(node)
    return hold


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=1 << 30, help="begin no round after that")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--directory")
    parser.add_argument("--kinds", default="kill,kill,freeze,freeze,cut,cut,apart,apart,zookeeper,all")
    parser.add_argument("--hold", type=float, help="how long the trouble lasts; random without it")
    parser.add_argument("options", nargs="*")
    args = parser.parse_args()
    dice = random.Random(args.seed)
    begun = time.monotonic()
    lab = Lab("rounds", args.directory)
    counts, longest, bad, operations = {}, 0.0, 0, 0
    try:
        lab.mount(*args.options)
        path = lab.mountpoint + "/volume/disk"
        with open(path, "wb") as file:
            file.truncate(BLOCKS * SPREAD * BLOCK)
        fio = Fio(lab, lab.mountpoint + "/volume/fio")
        with open(fio.path, "wb") as file:
            file.truncate(64 << 20)
        spawn = multiprocessing.get_context("spawn")
        pipe, end = spawn.Pipe()
        writers = spawn.Process(target=write_and_read, args=(path, [dice.random() for _ in range(THREADS)], end), daemon=True)
        writers.start()
        print(f"seed {args.seed}, mount options {args.options}")
        for number in range(1, args.rounds + 1):
            if time.monotonic() - begun > args.seconds:
                break
            kind, victim = dice.choice(args.kinds.split(",")), dice.choice(NODES)
            ask(pipe, "go")
            fio.go()
            time.sleep(1)
            hold = hurt(lab, kind, victim, dice, args.hold)
            lab.await_synced()
            time.sleep(0.5)
            done, pause, problems = ask(pipe, "rest")
            problems += fio.rest()
            pause = max(pause, fio.longest)
            eventually("three equal disks", lab.replicas_agree, 30)
            print(f"round {number}: {kind} {victim if kind in ('kill', 'freeze', 'cut', 'apart') else ''} for {hold:.1f} s: {done} operations, longest {pause:.1f} s, {len(problems)} wrong", flush=True)
            for problem in problems[:5]:
                print("  " + problem)
            counts[kind] = counts.get(kind, 0) + 1
            longest, bad, operations = max(longest, pause), bad + len(problems), operations + done
        ask(pipe, "end")
        writers.join(60)
        ok = not bad
        for disk in ("disk", "fio"):
            code, said = lab.dog("vdi", "check", disk)
            print(said.strip().splitlines()[-1] if said.strip() else "", f"(vdi check {disk}: {code})")
            ok = ok and not code
        print(f"{sum(counts.values())} rounds {counts}, {operations} operations, {fio.written >> 20} MiB in {fio.jobs} jobs of fio, "
              f"longest {longest:.1f} s, {bad} wrong, seed {args.seed}")
    except BaseException:
        print("logs in", lab.directory)
        lab.close()
        raise
    lab.close()
    if ok:
        lab.remove()
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
