"""Turns the JSON of bench.py into tables and a plot beside it.

Usage: report.py JSON
"""

import html
import json
import math
import os
import statistics
import sys

PLOTTED = ("direct", "uring", "jnr", "cached", "writeback", "cluster")
COLOURS = {"direct": "#4878a8", "uring": "#2a9d58", "jnr": "#b0b0b0", "cached": "#d08a2e",
           "writeback": "#8a63a8", "cluster": "#b04848"}
AGAINST = "qemu"
PEER = "peer"
NULL_AGAINST = "null-c"


class Figures:
    def __init__(self, data):
        self.rows, self.titles, self.runs = data["rows"], data["titles"], data["runs"]
        self.values, self.cpus = {}, {}
        self.failed = {(each["row"], each["who"]) for each in data.get("failures", [])}
        for sample in data["samples"]:
            key = sample["row"], sample["who"]
            self.values.setdefault(key, {})[sample["round"]] = sample["value"]
            if "cpu" in sample:
                self.cpus.setdefault(key, []).append(sample["cpu"])

    def rows_of(self, *who):
        return [row for row in self.rows if any((row, each) in self.values for each in who)]

    def ratios(self, row, who, other):
        """The ratios of the rounds in which both were measured, better above 1."""
        ours, theirs = self.values.get((row, who), {}), self.values.get((row, other), {})
        less_is_better = self.rows[row][2]
        pairs = [(ours[i], theirs[i]) for i in ours if theirs.get(i) and ours[i]]
        return [b / a if less_is_better else a / b for a, b in pairs]


def number(value):
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}" if value < 1 else f"{value:.1f}"


def median_cell(values):
    return number(statistics.median(values)) if values else "-"


def figure_cell(figures, row, who):
    if (row, who) in figures.failed:
        return "I/O errors"
    return median_cell(list(figures.values.get((row, who), {}).values()))


def ratio_cell(ratios):
    if not ratios:
        return "-"
    middle = f"{statistics.median(ratios):.2f}"
    return middle if len(ratios) < 3 else f"{middle} ({min(ratios):.2f}–{max(ratios):.2f})"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "---:|" * (len(head) - 2)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def tables(figures):
    null = [who for who in figures.titles if who.startswith("null-")]
    files = [who for who in figures.titles if who not in null]
    ours = [who for who in files if who in PLOTTED]
    lines = []
    for group in (files, null):
        rows = figures.rows_of(*group)
        if rows:
            lines += table(
                ["", "unit", *(figures.titles[who] for who in group)],
                [[figures.rows[row][0], figures.rows[row][1],
                  *(figure_cell(figures, row, who) for who in group)] for row in rows])
    for against, group in ((AGAINST, ours), ("plain", ours), (PEER, ours), (NULL_AGAINST, null)):
        rows = [row for row in figures.rows_of(against)
                if any(figures.ratios(row, who, against) for who in group if who != against)]
        if rows:
            lines += [f"Times as fast as {figures.titles[against]}: median of the rounds' ratios"
                      " (least–most)", ""]
            lines += table(
                ["", "", *(figures.titles[who] for who in group if who != against)],
                [[figures.rows[row][0], "×",
                  *(ratio_cell(figures.ratios(row, who, against))
                    for who in group if who != against)] for row in rows])
    rows = [row for row in figures.rows if any((row, who) in figures.cpus for who in files + null)]
    if rows:
        users = [who for who in files + null
                 if any((row, who) in figures.cpus for row in rows)]
        lines += ["CPU seconds of the serving process, for each GiB or each 100 000 operations", ""]
        lines += table(
            ["", "per", *(figures.titles[who] for who in users)],
            [[figures.rows[row][0], "GiB" if figures.rows[row][1] == "MB/s" else "100k",
              *(median_cell(figures.cpus.get((row, who))) for who in users)] for row in rows])
    return lines


def header(figures):
    last = figures.runs[-1]
    sizes = ", ".join(str(run["size_mb"]) for run in figures.runs)
    return (f"{sizes} MB, {sum(run['rounds'] for run in figures.runs)} rounds,"
            f" {last['cores']} cores, Linux {last['kernel']}, {last['date']}; load average before"
            f" and after each run: "
            + ", ".join(f"{run['load_before']} and {run['load_after']}" for run in figures.runs))


def plot(figures):
    """Bars on a logarithmic scale: the ratio to the peer, one group for each workload."""
    groups = [(row, [(who, statistics.median(figures.ratios(row, who, against)), against)
                     for who in members if figures.ratios(row, who, against)])
              for against, members in (
                  (AGAINST, PLOTTED),
                  (NULL_AGAINST, tuple("null-" + each for each in PLOTTED)))
              for row in figures.rows_of(against)]
    groups = [(row, bars) for row, bars in groups if bars]
    left, width, bar, gap = 300, 560, 11, 12
    low, high = -3, 5  # powers of two

    def x(ratio):
        power = min(max(math.log2(ratio), low), high)
        return left + (power - low) / (high - low) * width

    parts, y = [], 70
    for row, bars in groups:
        middle = y + len(bars) * bar / 2 + 4
        name = ("null volume: " if bars[0][2] == NULL_AGAINST else "") + figures.rows[row][0]
        parts.append(f'<text x="{left - 8}" y="{middle:.0f}" text-anchor="end">'
                     f"{html.escape(name)}</text>")
        for who, ratio, _ in bars:
            begin, end = sorted((x(1), x(ratio)))
            colour = COLOURS[who.removeprefix("null-")]
            parts.append(f'<rect x="{begin:.1f}" y="{y}" width="{end - begin:.1f}"'
                         f' height="{bar - 2}" fill="{colour}"/>')
            parts.append(f'<text x="{end + 4 if ratio >= 1 else x(1) + 4:.1f}" y="{y + 8}"'
                         f' font-size="9">{ratio:.2f}</text>')
            y += bar
        y += gap
    grid = "".join(
        f'<line x1="{x(2.0 ** power):.1f}" x2="{x(2.0 ** power):.1f}" y1="55" y2="{y}"'
        f' stroke="{"#444" if power == 0 else "#ddd"}"/>'
        f'<text x="{x(2.0 ** power):.1f}" y="50" text-anchor="middle">{2.0 ** power:g}×</text>'
        for power in range(low, high + 1))
    legend = "".join(
        f'<rect x="{left + 90 * i}" y="12" width="10" height="10" fill="{COLOURS[who]}"/>'
        f'<text x="{left + 14 + 90 * i}" y="21">{who}</text>' for i, who in enumerate(PLOTTED))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 60}" height="{y + 20}"'
            ' font-family="sans-serif" font-size="11"><rect width="100%" height="100%"'
            f' fill="white"/><text x="8" y="21">sheepfs beside qemu-storage-daemon;</text>'
            f'<text x="8" y="35">null volume: beside C libfuse3</text>{legend}{grid}'
            + "".join(parts) + "</svg>\n")


def write(path):
    with open(path, encoding="utf-8") as file:
        figures = Figures(json.load(file))
    lines = [header(figures), "", *tables(figures)]
    stem = os.path.splitext(path)[0]
    with open(stem + ".md", "w", encoding="utf-8") as out:
        out.write("\n".join(lines))
    with open(stem + ".svg", "w", encoding="utf-8") as out:
        out.write(plot(figures))
    print("\n".join(lines))


if __name__ == "__main__":
    write(sys.argv[1])
