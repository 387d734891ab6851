"""Write throughput and CPU per GiB with three copies beside one, on one machine, in one run.

usage: throughput.py [--mebibytes N] [--runs N] [--directory DIR] [-- MOUNT OPTIONS]

Sequential writes of 1 MiB through a mount, with fsync at the end; the runs of both kinds take turns. As root.
"""

import argparse
import os
import statistics
import time

from lab import NODES, Lab


def cpu_seconds(lab):
    ticks = 0
    for name in ["sheepfs", *(f"sheep{n}" for n in NODES)]:
        with open(f"/proc/{lab.processes[name].pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mebibytes", type=int, default=512)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--directory")
    parser.add_argument("options", nargs="*")
    args = parser.parse_args()
    lab = Lab("throughput", args.directory, session_millis=10000)
    data = os.urandom(1 << 20)
    found = {1: [], 3: []}
    try:
        lab.mount(*args.options)
        for turn in range(args.runs + 1):
            for copies in found:
                name = f"copies{copies}turn{turn}"
                code, said = lab.dog("vdi", "create", "-c", str(copies), name, f"{args.mebibytes}M")
                if code:
                    raise RuntimeError(said)
                file = os.open(f"{lab.mountpoint}/volume/{name}", os.O_RDWR)
                before, start = cpu_seconds(lab), time.monotonic()
                for i in range(args.mebibytes):
                    os.pwrite(file, data, i << 20)
                os.fsync(file)
                took, cpu = time.monotonic() - start, cpu_seconds(lab) - before
                os.close(file)
                if turn:  # the first of each is to warm up
                    found[copies].append((args.mebibytes / took, cpu * 1024 / args.mebibytes))
                os.unlink(f"{lab.mountpoint}/volume/{name}")
        for copies, runs in found.items():
            speeds, cpus = zip(*runs)
            print(f"{copies} copies: {statistics.median(speeds):.0f} MiB/s ({min(speeds):.0f} to {max(speeds):.0f}), "
                  f"{statistics.median(cpus):.1f} CPU seconds per GiB ({min(cpus):.1f} to {max(cpus):.1f})")
        print(f"{args.runs} runs of {args.mebibytes} MiB, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.0f}, {args.options}")
    finally:
        lab.close()
    lab.remove()


if __name__ == "__main__":
    main()
