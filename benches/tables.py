#!/usr/bin/env python3
"""Writes the tables of docs/PERFORMANCE.md from docs/performance/*.jsonl.

    benches/tables.py           writes the tables
    benches/tables.py --check   fails if one of them is not of the data

A table stands between `<!-- table: NAME -->` and `<!-- end -->`.
"""

import json
import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "PERFORMANCE.md"


def lines(name):
    text = (DOCS / "performance" / f"{name}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def table(head, rows):
    told = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(told)


def bars(name):
    """The rows of `tally bench --floor --json`."""
    rows = []
    for row in lines(name):
        if row["row"] == "machine":
            continue
        floor = row["floor"]
        rows.append([
            row["what"],
            row["figure_text"],
            f"{floor['what']}: {floor['text']}" if floor else "",
            f"{row['ratio']:.2f}" if floor else "",
            row["bar"],
            {True: "reached", False: "**not reached**", None: ""}[row["reached"]],
        ])
    return table(["what", "figure", "floor", "ratio", "bar", ""], rows)


def tokens():
    """How memory and start grow."""
    rows = []
    for row in lines("sweep"):
        if row.get("series") == "tokens":
            wait = row["measured"]["latency_ns"]
            rows.append([
                f"{row['tokens']:,}",
                f"{row['measured']['per_second']:,.0f} /s",
                f"{wait['p50'] / 1e3:,.0f} us",
                f"{wait['p99'] / 1e3:,.0f} us",
                f"{row['memory_bytes'] / (1 << 20):,.1f} MiB",
                f"{row['start_seconds']:.2f} s",
            ])
    return table(["tokens", "issue", "p50", "p99", "memory", "start after SIGKILL"], rows)


def profile():
    """Shares of processor time, a column for each load."""
    found = lines("profile")
    names = sorted({name for row in found for name in row["percent"]}, key=lambda name: (
        -sum(row["percent"].get(name, 0) for row in found), name))
    head = ["percent of samples", *(f"{row['op']} {row['connections']} x {row['depth']}" for row in found)]
    told = lambda row, name: f"{row['percent'].get(name, 0):.1f}"
    rows = [[name, *(told(row, name) for row in found)] for name in names]
    rows.append(["*of all, in the daemon*", *(f"{row['daemon_percent']:.1f}" for row in found)])
    rows.append(["*cores busy, of two*", *(f"{row['cores_busy']:.2f}" for row in found)])
    rows.append(["*operations a second*", *(f"{row['per_second']:,.0f}" for row in found)])
    return table(head, rows)


def main():
    made = {"floor": lambda: bars("floor"), "many": lambda: bars("many"), "tokens": tokens,
            "profile": profile}
    text = PAGE.read_text()
    put = lambda found: f"{found[1]}\n{made[found[2]]()}\n{found[3]}"
    page = re.sub(r"(<!-- table: (\w+) -->)\n.*?(<!-- end -->)", put, text, flags=re.DOTALL)
    if "--check" not in sys.argv:
        PAGE.write_text(page)
    elif page != text:
        sys.exit(f"{PAGE.name} has a table that is not of the data: run benches/tables.py")


if __name__ == "__main__":
    main()
