#!/usr/bin/env python3
"""Where the processor time of a measurement goes: docs/performance/profile.jsonl.

    benches/profile.py [SECONDS]

Runs `tally bench` for each load below, has `perf record` sample client and
daemon meanwhile, and sums the samples by what the function does. Wants perf
(Debian: linux-perf) and a release build.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TALLY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "tally"

# Operation, connections, depth.
LOADS = [("issue", 4, 256), ("verify", 4, 256), ("issue", 1, 1), ("ping", 1, 1)]

# The first that matches the symbol counts. What is left of the kernel is told as such.
GROUPS = [
    ("HMAC", r"sha2|hmac|digest|::mac::|cryptogram::native|Mint"),
    ("decisions, under the engine's lock", r"tallystick::engine|hash_one|types::counters"),
    ("store: SQLite and its callers", r"sqlite3|rusqlite|tallystick::store|^sqlite|^pager|^wal|^btree|^vdbe"),
    ("wire, by daemon and client", r"tallystick::wire"),
    ("daemon: batches and answers", r"tallystick::daemon"),
    ("the measuring client", r"tallystick::client|tally::bench|hdrhistogram"),
    ("kernel: disk and file system", r"ext4|jbd2|blk_|submit_bio|bio_|iowrite|ioread|virtqueue|virtio|vring|writeback|folio|"
     r"block_|buffer|xa|dirty|fsync|filemap|generic_perform_write"),
    ("kernel: socket", r"unix_|sock|skb|_copy_to_iter|_copy_from_iter|import_"),
    ("kernel: waking and switching", r"finish_task_switch|futex|schedul|wake|enqueue|dequeue|pick_next|_raw_spin|switch_"),
    ("copying and allocating", r"^mem|__mem|malloc|free|realloc|clear_page|_int_"),
]
OTHER = "everything else"


def load_of(op, connections, depth, seconds):
    """What was measured under a load, the daemon's threads, and the samples by thread and symbol."""
    arguments = ["bench", "--op", op, "--connections", connections, "--depth", depth, "--tokens", 100_000]
    arguments += ["--seconds", seconds + 8, "--json"]
    bench = subprocess.Popen([TALLY, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    daemon = child_of(bench.pid)
    wait_for_load(daemon)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        pids = f"{bench.pid},{daemon}"
        record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "-p", pids, "-o", data]
        subprocess.run([*record, "--", "sleep", str(seconds)], check=True, stderr=subprocess.DEVNULL)
        threads = {int(thread.name) for thread in Path(f"/proc/{daemon}/task").iterdir()}
        report = ["perf", "report", "-i", data, "--no-children", "--sort", "pid,symbol", "-F", "sample,pid,symbol"]
        text = subprocess.run([*report, "-t", "\t"], check=True, capture_output=True, text=True).stdout
    measured = json.loads(bench.communicate()[0])
    return measured, threads, text


def child_of(pid):
    """The daemon that the bench starts."""
    while True:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if found:
            return int(found[0])
        time.sleep(0.05)


def wait_for_load(daemon):
    """Waits until the cards are saved and the load has begun."""
    time.sleep(5)
    if not Path(f"/proc/{daemon}").exists():
        sys.exit("the daemon ended before it was measured")


def group_of(symbol, in_kernel):
    for name, pattern in GROUPS:
        if re.search(pattern, symbol) and (in_kernel == name.startswith("kernel") or name.startswith("copying")):
            return name
    return "kernel: everything else" if in_kernel else OTHER


def shares(text, threads):
    """Samples by group, and those of the daemon among all."""
    groups, of_daemon, total = {}, 0, 0
    for line in text.splitlines():
        found = re.match(r"\s*(\d+)\s*\t\s*(\d+):[^\t]*\t\s*\[(.)\]\s*(\S.*?)\s*(?:\t.*)?$", line)
        if not found:
            continue
        count, thread, place, symbol = int(found[1]), int(found[2]), found[3], found[4]
        total += count
        of_daemon += count if thread in threads else 0
        name = group_of(symbol, place == "k")
        groups[name] = groups.get(name, 0) + count
    if not total:
        sys.exit("perf took no samples")
    parts = {name: round(100 * count / total, 1) for name, count in sorted(groups.items(), key=lambda g: -g[1])}
    return parts, round(100 * of_daemon / total, 1), total


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    out = []
    for op, connections, depth in LOADS:
        measured, threads, text = load_of(op, connections, depth, seconds)
        parts, of_daemon, samples = shares(text, threads)
        out.append({
            "op": op, "connections": connections, "depth": depth, "per_second": measured["per_second"],
            "samples": samples, "daemon_percent": of_daemon, "percent": parts,
            "cores_busy": round(samples / 1999 / seconds, 2),
        })
        print(json.dumps(out[-1]), flush=True)
    folder = ROOT / "docs" / "performance"
    (folder / "profile.jsonl").write_text("".join(json.dumps(row) + "\n" for row in out))


if __name__ == "__main__":
    main()
