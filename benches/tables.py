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


class Nodes:
    """What `benches/nodes.py` measured, and the model of it: see docs/PERFORMANCE.md."""

    def __init__(self):
        rows = lines("nodes")
        self.pgbench = [row for row in rows if row["row"] == "pgbench"]
        self.full = {(row["nodes"], row["op"]): row for row in rows if row["row"] == "full"}
        self.depth = {(row["nodes"], row["depth"]): row["per_second"] for row in rows if row["row"] == "depth"}
        self.counter = max(row["per_second"] for row in self.pgbench if row["what"].startswith("counter"))
        followed = next(row["per_second"] for row in rows if row["row"] == "followed")
        self.turn = 1 / self.depth[4, 1]
        self.own = 1 / self.full[1, "issue"]["per_second"]
        self.follow = max(1 / followed - self.own, 0)

    def work(self, nodes):
        """Processor time of a cryptogram, on one machine."""
        return self.own + (nodes - 1) * self.follow

    def one_by_one(self, nodes, depth):
        return depth / (self.turn + depth * self.work(nodes))

    def full_load(self, nodes, in_flight):
        return in_flight / max(self.turn, in_flight * self.work(nodes))

    def on_machines(self, nodes, in_flight):
        processor = 1 / (self.own / nodes + self.follow * (1 - 1 / nodes))
        return min(processor, in_flight / (self.turn + in_flight * self.follow))


def nodes():
    """Rates of nodes on one database, beside pgbench."""
    found = Nodes()
    rows = []
    for row in found.pgbench:
        what = f"pgbench: a transaction writes the rows of a group of {row['moves']}" if "moves" in row else \
            f"pgbench: a transaction moves one counter{', once more at the end' if 'again' in row['what'] else ''}"
        rows.append([what, f"{row['clients']} clients" if row["clients"] > 1 else "1 client",
                     f"{row['per_second']:,.0f}", "", f"{row['per_second'] / found.counter:.2f}", "", "", ""])
    for (count, op), row in found.full.items():
        rows.append([f"{op}, {count} node{'s' if count > 1 else ''}", f"{row['connections']} x {row['depth']}",
                     f"{row['per_second']:,.0f}", f"{row['latency_ns']['p50'] / 1e6:.1f} ms",
                     f"{row['per_second'] / found.counter:.1f}",
                     *(f"{row['busy'][who]:.2f}" for who in ("nodes", "database", "load"))])
    return table(["what", "load", "a second", "p50", "of pgbench's best counter", "processors: nodes", "database",
                  "load"], rows)


def model():
    """The model against what it was not fitted to, and what it says of more machines."""
    found = Nodes()
    rows = []
    told = lambda what, said, was: rows.append([what, f"{said:,.0f}", f"{was:,.0f}", f"{said / was:.2f}"])
    for (count, depth), was in sorted(found.depth.items()):
        if count > 1 and (count, depth) != (4, 1):
            told(f"{count} nodes, a connection each, {depth} in flight", found.one_by_one(count, depth), was)
    for count in (2, 4):
        row = found.full[count, "issue"]
        in_flight = row["connections"] * row["depth"] / count
        told(f"{count} nodes, full load", found.full_load(count, in_flight), row["per_second"])
    for count in (2, 4, 8):
        rows.append([f"{count} machine{'s' if count > 1 else ''}, 4,096 in flight at each", f"{found.on_machines(count, 4096):,.0f}", "", ""])
    for shards, count in ((4, 3), (16, 3)):
        rate = shards * found.on_machines(count, 4096)
        memory = 49 * 1e9 / shards / 1e9
        rows.append([f"{shards} databases of {count} machines, a billion tokens: {memory:.1f} GB at each node",
                     f"{rate:,.0f}", "", ""])
    return table(["issue", "model, a second", "measured", "ratio"], rows)


def main():
    made = {"floor": lambda: bars("floor"), "many": lambda: bars("many"), "tokens": tokens,
            "profile": profile, "nodes": nodes, "model": model}
    text = PAGE.read_text()
    put = lambda found: f"{found[1]}\n{made[found[2]]()}\n{found[3]}"
    page = re.sub(r"(<!-- table: (\w+) -->)\n.*?(<!-- end -->)", put, text, flags=re.DOTALL)
    if "--check" not in sys.argv:
        PAGE.write_text(page)
    elif page != text:
        sys.exit(f"{PAGE.name} has a table that is not of the data: run benches/tables.py")


if __name__ == "__main__":
    main()
