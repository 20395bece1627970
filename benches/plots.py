#!/usr/bin/env python3
"""Draws docs/performance/*.svg from docs/performance/sweep.jsonl.

    benches/plots.py           writes the plots
    benches/plots.py --check   fails if one of them is not of the data

The data are the lines that `tally bench --sweep --json` prints. Nothing but the
standard library is needed.
"""

import json
import math
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "performance"

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 74, 178, 44, 52

# Legible on a panel of its own, light or dark as the reader has it.
STYLE = """
  .panel { fill: #ffffff; } .grid { stroke: #e2e5e9; } .axis { stroke: #6b7280; }
  text { font: 12px system-ui, sans-serif; fill: #1f2937; } .title { font-size: 15px; font-weight: 600; }
  .c0 { stroke: #0b62d6; fill: #0b62d6; } .c1 { stroke: #c2410c; fill: #c2410c; }
  .c2 { stroke: #15803d; fill: #15803d; } .c3 { stroke: #7e22ce; fill: #7e22ce; }
  .c9 { stroke: #6b7280; fill: #6b7280; }
  polyline { fill: none !important; stroke-width: 2; } circle { stroke: none; }
  .dashed { stroke-dasharray: 5 4; } .label { stroke: none; }
  @media (prefers-color-scheme: dark) {
    .panel { fill: #14181f; } .grid { stroke: #2b323c; } .axis { stroke: #9aa4b2; } text { fill: #e5e7eb; }
    .c0 { stroke: #6cb0ff; fill: #6cb0ff; } .c1 { stroke: #ff9a5c; fill: #ff9a5c; }
    .c2 { stroke: #5bd68b; fill: #5bd68b; } .c3 { stroke: #cf9bff; fill: #cf9bff; }
    .c9 { stroke: #9aa4b2; fill: #9aa4b2; }
  }
"""


class Scale:
    """From a value to a place on an axis."""

    def __init__(self, values, low, high, log):
        self.low_place, self.high_place, self.log = low, high, log
        if log:
            self.low = 10 ** math.floor(math.log10(min(values)))
            self.high = 10 ** math.ceil(math.log10(max(values)) - 1e-9)
            if self.high <= self.low:
                self.high = self.low * 10
        else:
            self.low, self.high = 0, nice(max(values))

    def place(self, value):
        if self.log:
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return self.low_place + part * (self.high_place - self.low_place)

    def ticks(self):
        if self.log:
            decades = round(math.log10(self.high / self.low))
            return [self.low * 10**power for power in range(decades + 1)]
        return [self.high * part / 5 for part in range(6)]


def nice(value):
    """The next round number above."""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= value)


def short(value):
    """A number as an axis tells it."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def line(x1, y1, x2, y2, kind):
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def words(x, y, text, anchor="middle", kind=""):
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def chart(title, x_name, y_name, curves, log_x=True, log_y=True):
    """An SVG. Curves are (name, class, points); class c9 is a floor, dashed."""
    xs = [x for _, _, points in curves for x, _ in points]
    ys = [y for _, _, points in curves for _, y in points]
    across = Scale(xs, LEFT, WIDTH - RIGHT, log_x)
    if log_x:
        across.low, across.high = min(xs) / 1.15, max(xs) * 1.15
    up = Scale(ys, HEIGHT - BOTTOM, TOP, log_y)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{title}</title><style>{STYLE}</style>",
        f'<rect class="panel" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        words(LEFT, 26, title, "start", "title"),
    ]
    for value in up.ticks():
        out.append(line(LEFT, up.place(value), WIDTH - RIGHT, up.place(value), "grid"))
        out.append(words(LEFT - 8, up.place(value) + 4, short(value), "end"))
    for value in sorted(set(xs)) if log_x else across.ticks():
        out.append(line(across.place(value), HEIGHT - BOTTOM, across.place(value), HEIGHT - BOTTOM + 5, "axis"))
        out.append(words(across.place(value), HEIGHT - BOTTOM + 19, short(value)))
    out.append(line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "axis"))
    out.append(line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, "axis"))
    out.append(words((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_name))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    out.append(f'<text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">{y_name}</text>')
    out += drawn(curves, across, up)
    return "\n".join(out + ["</svg>", ""])


def drawn(curves, across, up):
    """The curves, each with its name at its end, none upon another."""
    out, taken = [], []
    for name, kind, points in sorted(curves, key=lambda curve: -curve[2][-1][1]):
        places = [(across.place(x), up.place(y)) for x, y in points]
        dashed = " dashed" if kind == "c9" else ""
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        out.append(f'<polyline class="{kind}{dashed}" points="{joined}"/>')
        out += [f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places]
        y = places[-1][1] + 4
        while any(abs(y - other) < 15 for other in taken):
            y += 1
        taken.append(y)
        out.append(words(WIDTH - RIGHT + 10, y, name, "start", f"{kind} label"))
    return out


def rows():
    """The points of the sweep."""
    text = (FOLDER / "sweep.jsonl").read_text()
    return [row for row in map(json.loads, text.splitlines()) if "series" in row]


def points(found, x, y):
    return sorted((x(row), y(row)) for row in found)


def rate(row):
    return row["measured"]["per_second"]


def latency(quantile):
    return lambda row: row["measured"]["latency_ns"][quantile] / 1e3


def grown(all_rows, series, x_name, usual):
    """Two plots over connections or depth: rate and latency, beside the echo."""
    found = {op: [r for r in all_rows if (r["series"], r["op"]) == (series, op)] for op in ("issue", "verify")}
    x = lambda row: row[series]
    echo = found["issue"]
    rates = [
        ("bare echo", "c9", points(echo, x, lambda row: row["echo"]["per_second"])),
        ("issue, durable", "c0", points(found["issue"], x, rate)),
        ("verify, durable", "c1", points(found["verify"], x, rate)),
    ]
    echo_p50 = lambda row: row["echo"]["latency_ns"]["p50"] / 1e3
    waits = [("bare echo p50", "c9", points(echo, x, echo_p50))]
    for op, kinds in (("issue", ("c0", "c2")), ("verify", ("c1", "c3"))):
        for quantile, kind in zip(("p50", "p99"), kinds):
            waits.append((f"{op} {quantile}", kind, points(found[op], x, latency(quantile))))
    return {
        f"rate-{series}.svg": chart(f"Rate over {series}{usual}", x_name, "operations a second", rates),
        f"latency-{series}.svg": chart(f"Latency over {series}{usual}", x_name, "microseconds", waits),
    }


def of_tokens(all_rows):
    found = [row for row in all_rows if row["series"] == "tokens"]
    x = lambda row: row["tokens"]
    mebibytes = lambda row: row["memory_bytes"] / (1 << 20)
    name, usual = "tokens", ", 4 connections x 256"
    waits = [(f"issue {q}", kind, points(found, x, latency(q))) for q, kind in (("p50", "c0"), ("p99", "c2"))]
    started = points(found, x, lambda row: row["start_seconds"])
    return {
        "rate-tokens.svg": chart(
            f"Rate over tokens{usual}", name, "operations a second",
            [("issue, durable", "c0", points(found, x, rate))], log_y=False),
        "latency-tokens.svg": chart(f"Latency over tokens{usual}", name, "microseconds", waits),
        "memory-tokens.svg": chart(
            "Memory over tokens", name, "MiB", [("resident", "c0", points(found, x, mebibytes))]),
        "start-tokens.svg": chart(
            "Start after SIGKILL over tokens", name, "seconds", [("until served", "c0", started)]),
    }


def of_load(all_rows):
    found = [row for row in all_rows if row["series"] == "load"]
    x = lambda row: 100 * row["asked_per_second"] / row["peak_per_second"]
    waits = [(f"issue {q}", kind, points(found, x, latency(q))) for q, kind in (("p50", "c0"), ("p99", "c2"))]
    title = "Latency over load, requests sent at a fixed rate"
    return {"latency-load.svg": chart(title, "percent of the peak rate", "microseconds", waits, log_x=False)}


def main():
    all_rows = rows()
    plots = {
        **grown(all_rows, "connections", "connections", ", 64 in flight on each"),
        **grown(all_rows, "depth", "in flight on each connection", ", 4 connections"),
        **of_tokens(all_rows),
        **of_load(all_rows),
    }
    for name, text in plots.items():
        path = FOLDER / name
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            sys.exit(f"{path.name} is not of the data: run benches/plots.py")


if __name__ == "__main__":
    main()
