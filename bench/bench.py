#!/usr/bin/env python3
"""Compares sheepfs on each transport with other ways to a file, all in one run.

In each round every workload is done on every contender, one right after the other, and each round
begins with another; so what disturbs the machine hits all alike. Figures are medians over the
rounds; a ratio is the median of the rounds' ratios. The mounts live as long as the run, as mounts
do, and are warmed up by a round that does not count.

  CONTENDERS  names, separated by spaces (all that can run here; contenders.py has them)
  ROWS        only these workloads (all)
  ROUNDS      rounds (5)                    SIZE_MB      size of the file (256)
  SECONDS_EACH  length of a random job (2)    WORK         folder to work in (a new one in /var/tmp)
  OUT         the JSON (bench/target/bench.json); the table, .md, and the plot, .svg, go beside it
  ADD=1       keep what OUT holds from earlier runs, and add to it
  WARM_UP=0   no round that does not count
  PEER        a command that makes BENCH_FILE, of BENCH_BYTES bytes, until it is ended

Interrupted, it reports what it has. Wants root, to drop the page cache before cold reads; without, it says that reads are warm.
"""

import datetime
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import contenders
import report

MIB = 1 << 20
FILES = 40
MOST_SECONDS = 10  # for a workload that goes through the file once


class Row:
    """A workload of fio. unit is MB/s or 1/s; size_share is the share of the file it works on."""

    def __init__(self, name, title, unit, options, before=None):
        self.name, self.title, self.unit = name, title, unit
        self.options = options.split()
        self.side = "write" if "write" in self.options[0] else "read"
        self.before = before


def random_rows():
    for kind in ("read", "write"):
        for cache, title in (("--direct=1", "O_DIRECT"), ("--direct=0", "buffered")):
            for jobs in (1, 16):
                yield Row(
                    f"rand_{kind}_{title.lower().removeprefix('o_')}_x{jobs}",
                    f"random {kind} 4k ×{jobs}, {title}", "1/s",
                    f"--rw=rand{kind} --bs=4k {cache} --numjobs={jobs} --time_based")


FILE_ROWS = [
    Row("seq_write_new", "sequential write 1M + fsync, new", "MB/s",
        "--rw=write --bs=1M --end_fsync=1", "renew"),
    Row("seq_write_over", "sequential write 1M + fsync, over", "MB/s",
        "--rw=write --bs=1M --end_fsync=1"),
    Row("seq_write_4k", "sequential write 4k + fsync", "MB/s",
        "--rw=write --bs=4k --end_fsync=1"),
    Row("seq_read_cold", "sequential read 1M, cold", "MB/s", "--rw=read --bs=1M", "drop"),
    *random_rows(),
    Row("write_4k_fsync", "write 4k + fsync each", "1/s",
        "--rw=randwrite --bs=4k --fsync=1 --time_based"),
]
NULL_ROWS = [
    Row("null_read_x1", "read 4k ×1", "1/s",
        "--rw=randread --bs=4k --direct=1 --time_based"),
    Row("null_read_x16", "read 4k ×16", "1/s",
        "--rw=randread --bs=4k --direct=1 --numjobs=16 --time_based"),
    Row("null_write_x16", "write 4k ×16", "1/s",
        "--rw=randwrite --bs=4k --direct=1 --numjobs=16 --time_based"),
    Row("null_read_1m", "read 1M", "MB/s", "--rw=read --bs=1M --direct=1 --time_based"),
    Row("null_write_buffered", "write 4k, buffered", "1/s",
        "--rw=write --bs=4k --time_based"),
]
# title, unit, and whether less is better
OTHER_ROWS = {
    "fsync_us": ("one fsync with one dirty block, median", "µs", True),
    "create": ("make a disk", "1/s", False),
    "stat": ("stat a disk", "1/s", False),
    "unlink": ("remove a disk", "1/s", False),
    "mount_cold_ms": ("time to a usable mount, cold page cache", "ms", True),
    "mount_ms": ("time to a usable mount", "ms", True),
    "memory_mb": ("memory after all of it (PSS)", "MB", True),
}


class Bench:
    def __init__(self, work, size_mb, seconds):
        self.work, self.size_mb, self.seconds = work, size_mb, seconds
        self.samples = []
        self.failures = []
        self.round = None

    def record(self, row, who, value, cpu=None):
        if self.round is not None and value is not None:
            sample = {"row": row, "who": who, "round": self.round, "value": value}
            if cpu is not None:
                sample["cpu"] = cpu
            self.samples.append(sample)

    def fio(self, row, contender):
        if row.before == "renew":
            contender.renew()
        elif row.before == "drop":
            drop_caches()
        seconds = self.seconds if self.round is not None else 1
        cpu = contender.cpu_seconds()
        done = subprocess.run(
            ["fio", "--name=job", "--thread", "--filename=" + contender.file,
             f"--size={self.size_mb}M",
             f"--runtime={seconds if '--time_based' in row.options else MOST_SECONDS}",
             "--ioengine=psync", "--output-format=json", "--randrepeat=0",
             "--allow_file_create=0", "--fallocate=none", "--group_reporting", *row.options],
            cwd=self.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            self.fail(row, contender, (done.stderr + done.stdout).partition("\n")[0])
            return
        job = json.loads(done.stdout[done.stdout.index("{"):])["jobs"][0]
        side = job[row.side]
        if row.unit == "1/s":
            value, units = side["iops"], side["total_ios"] / 1e5
        else:
            # The time of the closing fsync counts, so not the rate of the writes alone.
            value = side["io_bytes"] / 1e6 / max(job["job_runtime"], 1) * 1000
            units = side["io_bytes"] / (1 << 30)
        used = None if cpu is None else (contender.cpu_seconds() - cpu) / max(units, 1e-9)
        self.record(row.name, contender.name, value, used)
        if row.name == "write_4k_fsync":
            self.record("fsync_us", contender.name, job["sync"]["lat_ns"]["percentile"]["50.000000"] / 1000)

    def fail(self, row, contender, why):
        """A contender that returns errors has no figure for that row; the others go on."""
        print(f"  {row.title} on {contender.title} failed: {why}", file=sys.stderr)
        self.failures.append({"row": row.name, "who": contender.name, "why": why})
        contender.renew()

    def files(self, contender):
        folder = contender.folder_of_files
        if folder is None:
            return
        paths = [os.path.join(folder, f"file{i}") for i in range(FILES)]

        def rate(action):
            begin = time.monotonic()
            for path in paths:
                action(path)
            return FILES / (time.monotonic() - begin)

        def create(path):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))

        rates = {"create": rate(create)}
        time.sleep(1.1)  # what the kernel remembers of them is no measure of us
        rates["stat"] = rate(os.stat)
        rates["unlink"] = rate(os.unlink)
        for name, value in rates.items():
            self.record(name, contender.name, value)


def drop_caches():
    os.sync()
    if os.geteuid() == 0:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as drop:
            drop.write("3\n")


def begin(work, size_mb):
    """The contenders that run here, started."""
    makers = {**contenders.MAKERS, **contenders.NULL_MAKERS}
    if os.environ.get("PEER"):
        makers["peer"] = lambda *of: contenders.Peer(*of, os.environ["PEER"])
    started = []
    try:
        for name in os.environ.get("CONTENDERS", " ".join(makers)).split():
            contender = makers[name](name, work, size_mb * MIB)
            started.append(contender)
            try:
                contender.start()
            except contenders.Unavailable as e:
                print(f"Without {name}: {e}", file=sys.stderr)
                started.remove(contender)
        return started
    except BaseException:
        end(started)
        raise


def end(started):
    for contender in reversed(started):
        contender.stop()


def mount_times(bench, size_mb):
    """Mounts that are made only to see how long that takes."""
    probe = contenders.MAKERS["direct"](f"mount{bench.round}", bench.work, size_mb * MIB)
    for row in ("mount_cold_ms", "mount_ms"):
        if row == "mount_cold_ms":
            drop_caches()
        bench.record(row, "direct", probe.mount_seconds() * 1000)


def play(bench, started, rounds, first_round):
    wanted = os.environ.get("ROWS", "").split()
    file_contenders = [each for each in started if each.name not in contenders.NULL_MAKERS]
    null_contenders = [each for each in started if each.name in contenders.NULL_MAKERS]
    for number in range(-1 if os.environ.get("WARM_UP") != "0" else 0, rounds):
        bench.round = None if number < 0 else first_round + number
        print("Warming up" if number < 0 else f"Round {number + 1} of {rounds}", file=sys.stderr)
        for contender in file_contenders:
            contender.renew()
        for rows, group in ((FILE_ROWS, file_contenders), (NULL_ROWS, null_contenders)):
            if not group:
                continue
            turn = number % len(group)
            for row in rows:
                if not wanted or row.name in wanted:
                    begin = time.monotonic()
                    for contender in group[turn:] + group[:turn]:
                        bench.fio(row, contender)
                    print(f"  {row.title}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
        if not wanted:
            for contender in file_contenders:
                bench.files(contender)
            if any(each.name == "direct" for each in started) and number >= 0:
                mount_times(bench, bench.size_mb)
            for contender in started:
                bench.record("memory_mb", contender.name, contender.memory_mb())


def main():
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(130))
    if shutil.which("fio") is None:
        sys.exit("bench needs fio; run 'make deps'")
    if os.geteuid() != 0:
        print("Not root: reads come from the page cache.", file=sys.stderr)
    size_mb = int(os.environ.get("SIZE_MB", "256"))
    rounds = int(os.environ.get("ROUNDS", "5"))
    seconds = int(os.environ.get("SECONDS_EACH", "2"))
    out = os.environ.get("OUT") or os.path.join(contenders.ROOT, "bench", "target", "bench.json")
    earlier = {"samples": [], "runs": []}
    if os.environ.get("ADD") == "1" and os.path.exists(out):
        with open(out, encoding="utf-8") as file:
            earlier = json.load(file)
    work = os.environ.get("WORK")
    if work:
        os.makedirs(work, exist_ok=True)
    work = tempfile.mkdtemp(prefix="sheepfs-bench.", dir=work or "/var/tmp")
    bench = Bench(work, size_mb, seconds)
    first_round = 1 + max((sample["round"] for sample in earlier["samples"]), default=-1)
    load = os.getloadavg()[0]
    started = []
    code = 0
    try:
        started = begin(work, size_mb)
        play(bench, started, rounds, first_round)
    except (KeyboardInterrupt, SystemExit):
        code = 130
        print("Ended early: what was measured until now counts", file=sys.stderr)
    finally:
        end(started)
        # Never below a mount that would not go.
        subprocess.run(["rm", "-rf", "--one-file-system", work], check=False)
    titles = earlier.get("titles", {})
    titles.update({each.name: each.title for each in started})
    rows = {row.name: [row.title, row.unit, False] for row in FILE_ROWS + NULL_ROWS}
    rows.update({name: list(row) for name, row in OTHER_ROWS.items()})
    data = {
        "runs": earlier["runs"] + [{
            "date": datetime.date.today().isoformat(), "cores": os.cpu_count(),
            "kernel": platform.release(), "size_mb": size_mb, "rounds": rounds,
            "seconds_each": seconds, "load_before": round(load, 1),
            "load_after": round(os.getloadavg()[0], 1)}],
        "titles": titles, "rows": rows, "samples": earlier["samples"] + bench.samples,
        "failures": earlier.get("failures", []) + bench.failures}
    os.makedirs(os.path.dirname(os.path.abspath(out)), exist_ok=True)
    with open(out, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
        file.write("\n")
    report.write(out)
    return code


if __name__ == "__main__":
    sys.exit(main())
