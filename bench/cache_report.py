"""Reads fio's reports for cache.sh, and turns its figures into a table and a JSON file.

Usage: cache_report.py fio REPORT WHAT
       cache_report.py table RESULTS JSON SIZE_MB ROUNDS RATE_MB DELAY...
"""

import collections
import datetime
import json
import os
import statistics
import sys

ROWS = [
    ("read_4k", "cached random read 4k, one job", "1/s"),
    ("read_4k_x4", "cached random read 4k, 4 jobs", "1/s"),
    ("read_1m", "cached sequential read 1M", "MB/s"),
    ("write_4k", "random write 4k, one job", "1/s"),
    ("write_paced", "the same, 500 a second: latency", "us"),
    ("write_fsync", "fsync after a 4k write", "ms"),
    ("cold_off", "cold sequential read 1M, no page cache", "MB/s"),
    ("cold_on", "cold sequential read 1M, page cache", "MB/s"),
]


def fio(report, what):
    text = open(report, encoding="ascii").read()
    job = json.loads(text[text.index("{"):])["jobs"][0]
    if job["error"]:
        sys.exit("fio: error %d" % job["error"])
    side, unit = what.split("_")
    if unit == "iops":
        print(job[side]["iops"])
    elif unit == "mb":
        print(job[side]["io_bytes"] / 1e6 / max(job["job_runtime"], 1) * 1000)
    elif side == "sync":
        print(job["sync"]["lat_ns"]["mean"] / 1e6)
    else:
        print(job[side]["clat_ns"]["mean"] / 1e3)


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def table(results, target, size_mb, rounds, rate_mb, *delays):
    figures = collections.defaultdict(list)
    with open(results, encoding="ascii") as lines:
        for line in lines:
            metric, delay, value = line.split()
            figures[metric, delay].append(float(value))
    medians = {key: statistics.median(values) for key, values in figures.items()}
    base = delays[0]
    others = delays[1:]

    def note(metric, delay):
        value = medians[metric, delay]
        if metric == "write_fsync":
            trips = (value - medians[metric, base]) / (2 * (float(delay) - float(base)))
            return f"+{trips:.2f} round trips"
        if metric.startswith("cold"):
            return f"{value / float(rate_mb):.2f} of the rate"
        return f"{value / medians[metric, base]:.2f}"

    print(f"{size_mb} MB, median (least to most) of {rounds} rounds, {os.cpu_count()} cores,")
    print(f"proxy of {rate_mb} MB/s, delays each way")
    print()
    heads = [f"{delay} ms" for delay in delays] + [f"{delay} / {base} ms" for delay in others]
    print("| | unit | " + " | ".join(heads) + " |")
    print("|---|---|" + "---:|" * len(heads))
    for metric, title, unit in ROWS:
        cells = [title, unit]
        for delay in delays:
            values = figures[metric, delay]
            cells.append(
                f"{number(medians[metric, delay])} ({number(min(values))} to {number(max(values))})"
            )
        cells += [note(metric, delay) for delay in others]
        print("| " + " | ".join(cells) + " |")

    report = {
        "date": datetime.date.today().isoformat(),
        "cores": os.cpu_count(),
        "size_mb": int(size_mb),
        "rounds": int(rounds),
        "rate_mb": float(rate_mb),
        "figures": {
            metric: {
                "unit": unit,
                **{
                    f"{delay} ms": {"median": medians[metric, delay], "all": figures[metric, delay]}
                    for delay in delays
                },
            }
            for metric, _, unit in ROWS
        },
    }
    with open(target, "w", encoding="ascii") as out:
        json.dump(report, out, indent=2)
        out.write("\n")


if __name__ == "__main__":
    {"fio": fio, "table": table}[sys.argv[1]](*sys.argv[2:])
