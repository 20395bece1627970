"""The real daemon, as a process, in a directory of its own."""

import contextlib
import os
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Iterator, Optional, Type

import tallystick
from tallystick import Admin, Card, Engine, Pan, Token

#: The directory of `tally` and `tallyd`; without it these tests are left out.
PROGRAMS = os.environ.get("TALLYSTICK_PROGRAMS")
DIGITS = "4929123456789015"
TRID = "40010000001"
LONG = 60.0

#: Two admins who are two users; they need not exist.
ANNA, BEN, GROUP = 64_001, 64_002, 64_100
_ADMINS = f"""
[[peer]]
name = "anna"
uid = {ANNA}
roles = ["admin", "detokenizer"]

[[peer]]
name = "ben"
uid = {BEN}
roles = ["admin"]
"""


class Daemon:
    """Started at once; killed at the end."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="tally-python-")
        self.state = Path(self._directory.name)
        self.passphrase = b"a passphrase for tests only"
        (self.state / "passphrase").write_bytes(self.passphrase)
        tally = [f"{PROGRAMS}/tally", "init", "--dir", str(self.state)]
        subprocess.run([*tally, "--passphrase-file", str(self.state / "passphrase")], check=True, capture_output=True)
        config = self.state / "tallyd.toml"
        sockets = f"[sockets]\nadmin_group = {GROUP}\n\n[cryptogram]"
        is_root = os.geteuid() == 0
        text = config.read_text()
        config.write_text(text.replace("[cryptogram]", sockets, 1) + _ADMINS if is_root else text)
        # The admins pass through it.
        self.state.chmod(0o711)
        self._process: Optional["subprocess.Popen[bytes]"] = None
        self.launch()

    @property
    def path(self) -> Path:
        return self.state / "tallyd.sock"

    def launch(self) -> None:
        """Starts it and waits until it serves."""
        log = (self.state / "log").open("ab")
        command = [f"{PROGRAMS}/tallyd", "--dir", str(self.state)]
        command += ["--passphrase-file", str(self.state / "passphrase")]
        environment = {**os.environ, "TALLYD_LOG": "debug"}
        with log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, env=environment)
        until = time.monotonic() + LONG
        while True:
            with contextlib.suppress(tallystick.ConnectionLost):
                self.connect().close()
                return
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"tallyd did not come up: {self.log()}")
            time.sleep(0.005)

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM: it ends in order."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait() == 0

    def log(self) -> str:
        """What it wrote."""
        return (self.state / "log").read_text()

    def connect(self, **more: Any) -> Engine:
        return tallystick.connect(self.path, **{"timeout": LONG, "name": "tests", **more})

    def admin(self) -> Admin:
        return tallystick.connect_admin(self.state / "admin.sock", timeout=LONG)

    @contextlib.contextmanager
    def admin_as(self, user: int) -> Iterator[Admin]:
        """An admin connection of another user: the kernel says who connected. Takes root."""
        os.setegid(GROUP)
        os.seteuid(user)
        try:
            admin = self.admin()
        finally:
            os.seteuid(0)
            os.setegid(0)
        with admin:
            yield admin

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.kill()
        self._directory.cleanup()


def card(digits: str = DIGITS) -> Card:
    return Card(Pan(digits), "4912")


def save(engine: Engine, **more: Any) -> Token:
    """Saves the card."""
    of = {"consent": True, "authentication_provider": "bank", "authentication_reference": "pay_1", **more}
    return engine.provision(of.pop("card", None) or card(), TRID, **of)
