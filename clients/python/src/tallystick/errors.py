"""What can go wrong. Nothing of a request or a reply is in any of it."""

from __future__ import annotations

from typing import Optional

from .status import Status

#: Refusals after which it is not known whether the request was done.
_UNKNOWN = (Status.STOPPED, Status.UNRECORDED)
#: Groups of refusals that are decided before the daemon looks at an idempotency key: such an
#: answer to a second asking says nothing of the first. So does a code that is not known.
_BEFORE_THE_KEY = (1, 3, 6)


class TallystickError(Exception):
    """Everything that this package raises of its own."""

    #: Whether the request may have been done. If so, ask again with the same key.
    outcome_unknown: bool = False


class RequestError(TallystickError, ValueError):
    """The request cannot be sent: a field that no layout has room for, a key where none is
    taken, more than the frames or batches agreed on. Nothing was sent."""


class Refused(TallystickError):
    """The daemon refused. Unless `outcome_unknown` is set, nothing was done, except that
    misses are counted."""

    def __init__(self, code: int, text: Optional[str] = None, *, again: bool = False) -> None:
        """`again`: the request had been sent before, on a connection that was lost."""
        self.code = code
        #: `None` for a code that is newer than this client.
        self.status = Status.of(code)
        #: What the daemon says of it, for a person to read.
        self.text = text
        before = self.status is None or self.status.group in _BEFORE_THE_KEY
        self.outcome_unknown = self.status in _UNKNOWN or (again and before)
        super().__init__(code, text)

    @property
    def name(self) -> str:
        """The status's name as WIRE.md has it; `unknown` for a code newer than this client."""
        return "unknown" if self.status is None else self.status.name.lower()

    def __repr__(self) -> str:
        return f"Refused({self.name})"

    def __str__(self) -> str:
        says = f"status {self.code:#06x}" if self.status is None else self.status.says
        return f"{self.name}: {self.text or says}"


class ConnectionLost(TallystickError):
    """The connection ended, or there is none. `outcome_unknown` tells whether the request had
    been sent by then."""

    def __init__(self, why: str, *, outcome_unknown: bool) -> None:
        super().__init__(why)
        self.outcome_unknown = outcome_unknown

    def __str__(self) -> str:
        what = "whether the request was done is not known" if self.outcome_unknown else "nothing was done"
        return f"{self.args[0]}; {what}"


class TimedOut(ConnectionLost, TimeoutError):
    """No answer came in time."""


class ProtocolError(ConnectionLost):
    """The daemon sent something that the protocol does not allow."""
