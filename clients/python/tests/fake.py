"""A daemon that does what a test tells it, and what no real one would."""

import socket
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, List, Optional, Sequence, Type

from tallystick.frame import Frame, Intake
from tallystick.opcode import Opcode
from tallystick.service import Hello, Welcome

#: Longer than any step of a test takes; a test that fails ends by it.
LONG = 60.0


class Peer:
    """The daemon's end of one connection."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        stream.settimeout(LONG)
        self._intake = Intake(1 << 24)
        self._frames: List[Frame] = []
        #: Every request that was read, HELLO too.
        self.seen: List[Frame] = []

    def next(self) -> Optional[Frame]:
        """The next request; none when the client has gone."""
        while not self._frames:
            try:
                arrived = self.stream.recv(65_536)
            except ConnectionError:
                return None
            if not arrived:
                return None
            self._frames = self._intake.take(arrived)
        frame = self._frames.pop(0)
        self.seen.append(frame)
        return frame

    def requests(self, count: int) -> List[Frame]:
        """So many requests."""
        frames = [self.next() for _ in range(count)]
        return [frame for frame in frames if frame is not None]

    def send(self, data: bytes) -> None:
        """Any bytes; a client that has gone does not mind."""
        try:
            self.stream.sendall(data)
        except OSError:
            pass

    def reply(self, to: Frame, body: bytes = b"", status: int = 0) -> None:
        """A reply to a request."""
        self.send(Frame(to.opcode, status, to.id, body).encode())

    def welcome(self, in_flight: int = 1024, frame: int = 65_536) -> None:
        """Reads HELLO and agrees."""
        hello = self.next()
        if hello is not None:
            assert (hello.opcode, hello.id) == (Opcode.HELLO, 1)
            asked, _ = Hello.decode(hello.body)
            agreed = Welcome(1, min(frame, asked.frame), min(in_flight, asked.in_flight), "fake")
            self.reply(hello, Hello.write_reply(agreed))

    def hang_up(self) -> None:
        """Wakes who reads from it; a client that has gone does not mind."""
        try:
            self.stream.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        """Closes the connection at once."""
        self.stream.close()


Script = Callable[[Peer], Any]


class Fake:
    """Serves each connection in turn by the next script; by the last for ever after."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts: Sequence[Script] = scripts
        self._directory = tempfile.TemporaryDirectory(prefix="tally-fake-")
        self.path = str(Path(self._directory.name) / "tallyd.sock")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(16)
        #: Those that came, in their order.
        self.peers: List[Peer] = []
        #: What a script met that it should not have.
        self.errors: List[BaseException] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            peer = Peer(stream)
            script = self._scripts[min(len(self.peers), len(self._scripts) - 1)]
            self.peers.append(peer)
            try:
                script(peer)
            except BaseException as error:
                self.errors.append(error)
            finally:
                peer.close()

    def __enter__(self) -> "Fake":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        # It wakes who waits in `accept`.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self.peers:
            peer.hang_up()
        self._thread.join(LONG)
        self._directory.cleanup()
        if kind is None and self.errors:
            raise self.errors[0]


def echo(peer: Peer) -> None:
    """Agrees, and answers every PING."""
    peer.welcome()
    while True:
        request = peer.next()
        if request is None:
            return
        peer.reply(request)
