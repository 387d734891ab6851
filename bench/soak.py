#!/usr/bin/env python3
"""Watches the memory of a mount under mixed load for a long time.

A mount of an embedded store serves, at a low rate, random reads and writes, sequential writes with
fsync, reads past the page cache, writes that are read again and verified, snapshots, and files
that come and go. Once a minute its memory is noted: PSS and RSS, threads and open files. At the end
it tells the first, the least, the most and the last of each, and how PSS grew between the second
and the last quarter of the time. It fails if a byte was wrong, or if PSS was ever more than MOST_MB.

  MINUTES    how long (60)                  SIZE_MB    size of the file (256)
  RATE       operations of each job (20/s)  TRANSPORT  of the mount (direct)
  MOST_MB    PSS that is too much (400)     OUT        the figures, CSV (bench/target/soak.csv)
  WORK       folder to work in (a new one in /var/tmp)
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

import contenders

MIB = 1 << 20
COLUMNS = ("minute", "pss_mb", "rss_mb", "threads", "files", "cpu_seconds")
JOBS = """
[global]
size={size}M
time_based
runtime={seconds}
ioengine=psync
allow_file_create=0
fallocate=none
rate_iops={rate}

[random-read]
filename={file}
rw=randread
bs=4k

[random-write]
filename={file}
rw=randwrite
bs=4k

[direct]
filename={file}
rw=randrw
bs=16k
direct=1
rate_iops={rate},{rate}

[sequential]
filename={file}
rw=write
bs=128k
fsync=64

[small-fsync]
filename={file}
rw=randwrite
bs=4k
fsync=8

[verified]
filename={verified}
size=64M
rw=randwrite
bs=8k
fsync=64
verify=crc32c
verify_backlog=1024
verify_fatal=1
"""


def status(process, field):
    with open(f"/proc/{process.pid}/status", encoding="ascii", errors="replace") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(field + ":"))


def content(number, version):
    return f"{number}.{version} ".encode().ljust(16, b"-") * (MIB // 16)


def expect(path, wanted):
    with open(path, "rb") as file:
        if file.read() != wanted:
            sys.exit(f"{path} has other bytes than were written")


def come_and_go(mountpoint, number):
    """Makes a disk with a snapshot, compares the ones before with what was written, removes them."""
    disk = os.path.join(mountpoint, "volume", "soak{}")
    snapshot = os.path.join(mountpoint, "snapshot", "soak{}", "first")
    with open(disk.format(number), "wb") as out:
        out.write(content(number, 1))
    with open(snapshot.format(number), "wb"):
        pass
    with open(disk.format(number), "r+b") as out:
        out.write(content(number, 2))
    before = number - 1
    if os.path.exists(disk.format(before)):
        expect(disk.format(before), content(before, 2))
        expect(snapshot.format(before), content(before, 1))
        os.unlink(disk.format(before))
        os.unlink(snapshot.format(before))
    os.listdir(os.path.join(mountpoint, "volume"))


def watch(mount, load, minutes, csv):
    samples = []
    begin = time.monotonic()
    number = 0
    while load.poll() is None:
        sample = (round((time.monotonic() - begin) / 60), round(mount.memory_mb(), 1),
                  round(status(mount.process, "VmRSS") / 1024, 1),
                  status(mount.process, "Threads"),
                  len(os.listdir(f"/proc/{mount.process.pid}/fd")),
                  round(mount.cpu_seconds(), 1))
        samples.append(sample)
        csv.write(",".join(str(each) for each in sample) + "\n")
        csv.flush()
        wake = begin + 60 * len(samples)
        while load.poll() is None and time.monotonic() < wake:
            number += 1
            come_and_go(mount.mountpoint, number)
            time.sleep(max(0, min(5, wake - time.monotonic())))
        if len(samples) > minutes + 2:
            load.terminate()
    return samples


def tell(samples, most_mb):
    for column, name in enumerate(COLUMNS[1:], 1):
        values = [sample[column] for sample in samples]
        print(f"{name:12} first {values[0]:8} least {min(values):8} most {max(values):8} "
              f"last {values[-1]:8}")
    quarter = max(1, len(samples) // 4)
    second = statistics.mean(sample[1] for sample in samples[quarter:2 * quarter] or samples)
    last = statistics.mean(sample[1] for sample in samples[-quarter:])
    print(f"PSS: {second:.1f} MB in the second quarter, {last:.1f} MB in the last")
    return max(sample[1] for sample in samples) <= most_mb


def main():
    minutes = int(os.environ.get("MINUTES", "60"))
    size_mb = int(os.environ.get("SIZE_MB", "256"))
    transport = os.environ.get("TRANSPORT", "direct")
    out = os.environ.get("OUT") or os.path.join(contenders.ROOT, "bench", "target", "soak.csv")
    os.makedirs(os.path.dirname(os.path.abspath(out)), exist_ok=True)
    work = tempfile.mkdtemp(prefix="sheepfs-soak.", dir=os.environ.get("WORK") or "/var/tmp")
    mount = contenders.Sheepfs("soak", work, size_mb * MIB, "--transport", transport)
    load = None
    try:
        mount.start()
        mount.renew()
        jobs = os.path.join(work, "jobs")
        with open(jobs, "w", encoding="ascii") as file:
            file.write(JOBS.format(file=mount.file, size=size_mb, seconds=minutes * 60,
                                   verified=mount.file + "-verified",
                                   rate=os.environ.get("RATE", "20")))
        with open(mount.file + "-verified", "wb") as verified:
            verified.truncate(64 * MIB)
        # sequential first, so that there is something to read
        subprocess.run(["fio", "--name=fill", "--filename=" + mount.file, f"--size={size_mb}M",
                        "--rw=write", "--bs=1M", "--end_fsync=1", "--allow_file_create=0",
                        "--fallocate=none"], cwd=work, check=True, stdout=subprocess.DEVNULL)
        load = subprocess.Popen(["fio", jobs], cwd=work, stdout=subprocess.DEVNULL)
        with open(out, "w", encoding="ascii") as csv:
            csv.write(",".join(COLUMNS) + "\n")
            samples = watch(mount, load, minutes, csv)
        if load.wait() != 0:
            sys.exit("fio failed")
    finally:
        if load is not None and load.poll() is None:
            load.terminate()
            load.wait()
        mount.stop()
        subprocess.run(["rm", "-rf", "--one-file-system", work], check=False)
    sys.exit(0 if tell(samples, float(os.environ.get("MOST_MB", "400"))) else 1)


if __name__ == "__main__":
    main()
