#!/usr/bin/env python3
"""What several nodes on one PostgreSQL give, beside pgbench doing the same row work, and a
model of it that is checked against what was measured.

    benches/nodes.py [--seconds N] [--out docs/performance/nodes.jsonl]

Needs PostgreSQL's server programs (Debian: postgresql) and a release build with
`--features postgres`. As root the server runs as `postgres` or `nobody`. Everything is in
a throwaway directory; nodes, server, pgbench and the load are all on this machine.
"""

import argparse
import json
import os
import pwd
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TALLY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
TOKENS = 20_000
# Connections in all, and requests in flight on each: of the fullest load, and of the emptiest.
FULL, ALONE = (8, 256), (1, 1)
DEPTHS = [1, 4, 16, 64, 256]


def server_programs():
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return newest[-1] if newest else Path(shutil.which("postgres") or sys.exit("no PostgreSQL")).parent


class Server:
    """A throwaway PostgreSQL, with fsync, as Debian configures it but for its directory."""

    def __init__(self, place):
        self.bin, self.dir, self.port = server_programs(), place / "pg", 5599
        self.dir.mkdir()
        self.user = None
        if os.geteuid() == 0:
            names = [user.pw_name for user in pwd.getpwall()]
            self.user = "postgres" if "postgres" in names else "nobody"
            place.chmod(0o755)
            shutil.chown(self.dir, self.user)
        self.run("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "-D", self.data)
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(f"port = {self.port}\nunix_socket_directories = '{self.dir}'\nlisten_addresses = ''\n")
            conf.write("shared_buffers = 256MB\nmax_wal_size = 2GB\n")
        self.process = self.start("postgres", "-D", self.data)
        for _ in range(200):
            if self.sql("SELECT 1", "postgres", check=False).returncode == 0:
                break
            time.sleep(0.1)
        self.sql("CREATE DATABASE tally", "postgres")
        schema = subprocess.run([TALLY / "tally", "postgres", "schema"], check=True, capture_output=True, text=True)
        self.sql(schema.stdout)
        self.sql("CREATE ROLE node LOGIN IN ROLE tallystick_node")

    @property
    def data(self):
        return self.dir / "data"

    def command(self, program, arguments):
        as_user = ["setpriv", "--reuid", self.user, "--clear-groups", "--"] if self.user else []
        return [*as_user, str(self.bin / program), *map(str, arguments)]

    def run(self, program, *arguments, check=True, **rest):
        command = self.command(program, arguments)
        return subprocess.run(command, check=check, capture_output=True, text=True, cwd=self.dir, **rest)

    def start(self, program, *arguments):
        log = open(self.dir / "log", "w")
        return subprocess.Popen(self.command(program, arguments), stdout=log, stderr=log, cwd=self.dir)

    def sql(self, text, database="tally", check=True):
        where = ["-h", self.dir, "-p", self.port, "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-q", database]
        return self.run("psql", *where, check=check, input=text)

    def pgbench(self, script, clients, seconds):
        path = self.dir / "script.sql"
        path.write_text(script)
        where = ["-h", self.dir, "-p", self.port, "-U", "postgres", "-n", "-M", "prepared"]
        told = self.run("pgbench", *where, "-f", path, "-c", clients, "-j", 2, "-T", seconds, "tally").stdout
        return float(re.search(r"tps = ([0-9.]+)", told).group(1))

    def stop(self):
        # The server runs beneath what changed the user, as the same process.
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


class Node:
    """A daemon on the shared store."""

    def __init__(self, place, server, name, keyring_of=None):
        self.dir = place / name
        secret = place / "passphrase"
        if keyring_of:
            shutil.copytree(keyring_of.dir, self.dir, ignore=shutil.ignore_patterns("*.sock", "anchor", "*lock", "audit*"))
        else:
            secret.write_text("a passphrase for a benchmark")
            made = [TALLY / "tally", "init", "--dir", self.dir, "--passphrase-file", secret]
            subprocess.run(made, check=True, capture_output=True)
        config = self.dir / "tallyd.toml"
        text = config.read_text().split("\n[store]")[0]
        config.write_text(text + f"""
[store]
kind = "postgres"
hosts = ["{server.dir}:{server.port}"]
database = "tally"
user = "node"
node = "{name}"
""")
        self.log = open(place / f"{name}.log", "w")
        command = [TALLY / "tallyd", "--dir", self.dir, "--passphrase-file", secret]
        self.process = subprocess.Popen(command, stderr=self.log)
        for _ in range(200):
            if (self.dir / "tallyd.sock").exists():
                return
            time.sleep(0.1)
        sys.exit(f"a node did not start: {(place / f'{name}.log').read_text()}")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def processor(pids):
    """Seconds of processor time of these processes and of the children that they have."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(path.parent.name) in pids or int(fields[1]) in pids:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def busy(server, nodes, act):
    """What `act` gives, with how much of a processor each party had meanwhile."""
    spent = lambda: (processor({server.process.pid}), processor({node.process.pid for node in nodes}),
                     sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]), time.monotonic())
    before, row = spent(), act()
    *parties, seconds = (after - since for after, since in zip(spent(), before))
    return {**row, "busy": {who: part / seconds for who, part in zip(("database", "nodes", "load"), parties)}}


def load(nodes, op, connections, depth, seconds):
    """`tally bench` over these nodes."""
    first, *others = [node.dir for node in nodes]
    also = [word for other in others for word in ("--also", other)]
    command = [TALLY / "tally", "bench", "--json", "--dir", first, *also, "--op", op, "--tokens", TOKENS,
               "--connections", connections, "--depth", depth, "--seconds", seconds]
    told = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
    return json.loads(told.splitlines()[-1])


# What an application does that keeps a counter in a row of the database: a transaction takes it.
COUNTER = f"\\set slot random(0, {TOKENS - 1})\nUPDATE counter SET atc = atc + 1 WHERE slot = :slot RETURNING atc;\n"


def group_script(moves):
    """The rows that one group of so many moves is, as a transaction of its own."""
    body = "00" * (56 + 8 * moves)
    return f"""\\set number random(1, 9000000000000000)
BEGIN;
SELECT number FROM one_head FOR UPDATE;
INSERT INTO groups (number, body) VALUES (:number, '\\x{body}') ON CONFLICT DO NOTHING;
UPDATE one_head SET number = :number;
COMMIT;
"""


def pgbench(server, seconds):
    server.sql(f"""CREATE TABLE counter (slot int PRIMARY KEY, atc bigint NOT NULL);
        INSERT INTO counter SELECT slot, 0 FROM generate_series(0, {TOKENS - 1}) slot;
        CREATE TABLE one_head (number bigint); INSERT INTO one_head VALUES (0);
        CREATE TABLE groups (number bigint PRIMARY KEY, body bytea);""")
    rows = [{"row": "pgbench", "what": "counter", "clients": clients, "per_second": server.pgbench(COUNTER, clients, seconds)}
            for clients in (1, 8, 32)]
    for moves in (1, 256):
        per_second = server.pgbench(group_script(moves), 1, seconds)
        rows.append({"row": "pgbench", "what": "group", "moves": moves, "clients": 1, "per_second": per_second})
    server.sql("DROP TABLE counter; DROP TABLE one_head; DROP TABLE groups")
    return rows


def measure(seconds):
    rows = []
    with tempfile.TemporaryDirectory(prefix="tally-nodes-") as place:
        place = Path(place)
        server, nodes = Server(place), []
        try:
            rows += pgbench(server, seconds)
            for count in (1, 2, 4):
                while len(nodes) < count:
                    nodes.append(Node(place, server, f"n{len(nodes) + 1}", nodes[0] if nodes else None))
                time.sleep(1)
                for op in ("issue", "verify"):
                    act = lambda op=op: load(nodes, op, *FULL, seconds)
                    rows.append({"row": "full", "nodes": count, **busy(server, nodes, act)})
                if count == 2:
                    # All through one: what the other costs that only follows.
                    rows.append({"row": "followed", "nodes": count, **load(nodes[:1], "issue", *FULL, seconds)})
                # Of each node one connection, so that a turn has what one connection asks.
                for depth in DEPTHS:
                    rows.append({"row": "depth", "nodes": count, **load(nodes, "issue", count, depth, seconds)})
            # pgbench once more, so that what the machine does meanwhile is seen.
            server.sql("CREATE TABLE counter (slot int PRIMARY KEY, atc bigint NOT NULL)")
            server.sql(f"INSERT INTO counter SELECT slot, 0 FROM generate_series(0, {TOKENS - 1}) slot")
            rows.append({"row": "pgbench", "what": "counter again", "clients": 32, "per_second": server.pgbench(COUNTER, 32, seconds)})
        finally:
            for node in nodes:
                node.stop()
            server.stop()
    return rows


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=int, default=3)
    arguments.add_argument("--out", type=Path)
    arguments = arguments.parse_args()
    out = open(arguments.out, "w") if arguments.out else sys.stdout
    for row in measure(arguments.seconds):
        print(json.dumps(row), file=out, flush=True)


if __name__ == "__main__":
    main()
