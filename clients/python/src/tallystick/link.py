"""One connection: its bytes in and out, and what waits on it. For one thread; it never waits."""

from __future__ import annotations

import socket
from concurrent.futures import Future
from typing import Any, Dict, Iterator, Optional, Tuple

from .body import Malformed, load
from .errors import ConnectionLost, ProtocolError, Refused
from .frame import HEAD, Frame, Intake
from .opcode import Opcode
from .request import Request
from .service import PROTOCOL, Hello, Welcome
from .status import Status

#: Bytes read at a time, and queued before more is encoded.
_CHUNK = 65_536
#: The least that a largest frame may be agreed to be.
_LEAST_FRAME = 4_096
_OK = 0


class Waiting:
    """A request that has no answer yet."""

    __slots__ = ("request", "body", "is_repeatable", "deadline", "future", "end", "again")

    def __init__(self, request: Request[Any], body: bytes, is_repeatable: bool, deadline: float) -> None:
        self.request = request
        self.body = body
        self.is_repeatable = is_repeatable
        self.deadline = deadline
        self.future: "Future[Any]" = Future()
        # It is on its way at once: nobody can take it back.
        self.future.set_running_or_notify_cancel()
        #: Where its frame ends among all bytes written on its connection.
        self.end = 0
        #: Whether it was sent before, on a connection that was lost.
        self.again = False


class GoneAway(ConnectionLost):
    """The daemon said goodbye: what it has not answered was not done."""


class Link:
    """A connection that says HELLO first. Every method raises `ConnectionLost` when it ended,
    and `ProtocolError` when the daemon did what the protocol does not allow."""

    def __init__(self, path: str, hello: Hello) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._hello = hello
        self._intake = Intake(max(hello.frame, _LEAST_FRAME))
        self._out = bytearray()
        self._taken = 0
        self._written = 0
        self._last_id = 0
        #: By request id, in the order in which they were sent.
        self.waiting: Dict[int, Waiting] = {}
        #: What was agreed on, once it is.
        self.agreed: Optional[Welcome] = None
        try:
            self._socket.connect(path)
            self._socket.setblocking(False)
            self._put(hello.opcode, hello.encode())
        except (OSError, ValueError) as error:
            self._socket.close()
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise ConnectionLost(f"no connection: {why}", outcome_unknown=False) from None

    def fileno(self) -> int:
        """For `select`."""
        return self._socket.fileno()

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    @property
    def has_room(self) -> bool:
        """Whether one more request may be sent now."""
        agreed = self.agreed
        return agreed is not None and len(self.waiting) < agreed.in_flight and len(self._out) < _CHUNK

    @property
    def has_more(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._out)

    def fits(self, body: bytes) -> bool:
        """Whether a body is no more than was agreed on."""
        return self.agreed is None or HEAD + len(body) <= self.agreed.frame

    def send(self, waiting: Waiting) -> None:
        """Gives a request its id and puts it into what is to be written."""
        id = self._put(waiting.request.opcode, waiting.body)
        waiting.end = self._taken
        self.waiting[id] = waiting

    def _put(self, opcode: int, body: bytes) -> int:
        self._last_id += 1
        frame = Frame(opcode, 0, self._last_id, body).encode()
        self._out += frame
        self._taken += len(frame)
        return self._last_id

    def was_sent(self, waiting: Waiting) -> bool:
        """Whether all of its frame was given to the kernel: of less nothing is done."""
        return self._written >= waiting.end

    def write(self) -> None:
        """Writes what the kernel takes."""
        try:
            count = self._socket.send(self._out)
        except BlockingIOError:
            return
        except OSError as error:
            raise _lost(error) from None
        self._written += count
        del self._out[:count]

    def read(self) -> Iterator[Tuple[Waiting, Frame]]:
        """The answers that have arrived, with what they answer."""
        try:
            arrived = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            raise _lost(error) from None
        if not arrived:
            raise ConnectionLost("the daemon closed the connection", outcome_unknown=True)
        for frame in self._intake.take(arrived):
            if frame.id == 0 and frame.status == Status.GOING_AWAY:
                raise GoneAway("the daemon is going away", outcome_unknown=False)
            if self.agreed is None:
                self._agree(frame)
            else:
                yield self._find(frame), frame

    def _agree(self, frame: Frame) -> None:
        # Who is turned away at the door is told so before its HELLO is read.
        if frame.opcode != Opcode.HELLO or frame.id not in (0, 1):
            raise ProtocolError("the daemon answered something else than HELLO", outcome_unknown=False)
        if frame.status != _OK:
            raise Refused(frame.status, refusal_text(frame.body))
        try:
            agreed = Hello.read_reply(frame.body)
        except Malformed:
            raise ProtocolError("the daemon's WELCOME cannot be read", outcome_unknown=False) from None
        hello = self._hello
        is_less = agreed.frame <= max(hello.frame, _LEAST_FRAME) and 1 <= agreed.in_flight <= hello.in_flight
        if agreed.version != PROTOCOL or not is_less or frame.id != 1:
            raise ProtocolError("a WELCOME to more than was asked for", outcome_unknown=False)
        self.agreed = agreed
        self._intake.largest = agreed.frame

    def _find(self, frame: Frame) -> Waiting:
        waiting = self.waiting.pop(frame.id, None)
        if waiting is None:
            raise ProtocolError("an answer that nothing waits for", outcome_unknown=True)
        if frame.opcode != waiting.request.opcode:
            # It is still unanswered.
            self.waiting[frame.id] = waiting
            raise ProtocolError("an answer to another operation", outcome_unknown=True)
        return waiting


def refusal_text(body: bytes) -> Optional[str]:
    """What the daemon says of a refusal, if anything."""
    try:
        text = load(body).get(1) if body else None
    except Malformed:
        return None
    return text if isinstance(text, str) else None


def _lost(error: OSError) -> ConnectionLost:
    return ConnectionLost(f"the connection failed: {error.strerror}", outcome_unknown=True)
