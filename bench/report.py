"""Turns the figures of run.sh into a table on standard output and a JSON file.

Usage: report.py RESULTS JSON SIZE_MB ROUNDS
"""

import collections
import datetime
import json
import os
import statistics
import sys

ROWS = [
    ("seq_write_new", "sequential write 1M + fsync, new", "MB/s"),
    ("seq_write_over", "sequential write 1M + fsync, over", "MB/s"),
    ("seq_read_cold", "sequential read 1M, cold", "MB/s"),
    ("rand_read_4k", "random read 4k, one job", "1/s"),
    ("rand_read_4k_x16", "random read 4k, 16 jobs", "1/s"),
    ("rand_write_4k_x16", "random write 4k, 16 jobs", "1/s"),
    ("write_4k_fsync", "write 4k + fsync", "1/s"),
    ("mount_ms", "time to a usable mount", "ms"),
    ("idle_mb", "memory at idle (PSS)", "MB"),
]


def main(results, target, size_mb, rounds):
    figures = collections.defaultdict(list)
    with open(results, encoding="ascii") as lines:
        for line in lines:
            metric, who, value = line.split()
            figures[metric, who].append(float(value))
    medians = {key: statistics.median(values) for key, values in figures.items()}

    def cell(metric, who):
        value = medians.get((metric, who))
        return "-" if value is None else f"{value:.0f}" if value >= 10 else f"{value:.1f}"

    def ratio(metric, other):
        ours, theirs = medians.get((metric, "sheepfs")), medians.get((metric, other))
        return f"{ours / theirs:.2f}" if ours and theirs else "-"

    print(f"{size_mb} MB, median of {rounds} rounds, {os.cpu_count()} cores")
    print()
    print("| | unit | plain file | sheepfs | qemu | sheepfs / plain | sheepfs / qemu |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for metric, title, unit in ROWS:
        cells = [title, unit] + [cell(metric, who) for who in ("plain", "sheepfs", "qemu")]
        cells += [ratio(metric, "plain"), ratio(metric, "qemu")]
        print("| " + " | ".join(cells) + " |")

    report = {
        "date": datetime.date.today().isoformat(),
        "cores": os.cpu_count(),
        "size_mb": int(size_mb),
        "rounds": int(rounds),
        "figures": {
            metric: {
                "unit": unit,
                **{
                    who: {"median": medians[metric, who], "all": figures[metric, who]}
                    for who in ("plain", "sheepfs", "qemu")
                    if (metric, who) in medians
                },
            }
            for metric, _, unit in ROWS
        },
    }
    with open(target, "w", encoding="ascii") as out:
        json.dump(report, out, indent=2)
        out.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
