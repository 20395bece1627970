"""What every operation is: an opcode, a body, and how its reply is read."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Optional, Tuple, Type, TypeVar, Union, cast

from . import body as cbor
from .body import Body, Malformed
from .errors import RequestError
from .opcode import Opcode

_EMPTY_MAP = b"\xa0"
R = TypeVar("R")
Q = TypeVar("Q", bound="Request[Any]")

#: An idempotency key as a caller gives it; text is taken as UTF-8.
IdempotencyKey = Union[bytes, str, None]
_LONGEST_KEY = 64


class Request(Generic[R]):
    """An operation, whose answer is an `R`. Send it with `Engine.call` or `Engine.submit`."""

    opcode: ClassVar[Opcode]
    #: Whether it takes an idempotency key.
    takes_key: ClassVar[bool] = False

    def encode(self, key: Optional[bytes] = None) -> bytes:
        """The body. Raises `Malformed`."""
        raise NotImplementedError

    @classmethod
    def decode(cls: Type[Q], body: bytes) -> Tuple[Q, Optional[bytes]]:
        """What a daemon reads: the request and its idempotency key. Raises `Malformed`."""
        raise NotImplementedError

    @classmethod
    def read_reply(cls, body: bytes) -> R:
        """Reads the body of a reply. Raises `Malformed`."""
        raise NotImplementedError

    @classmethod
    def write_reply(cls, reply: R) -> bytes:
        """What a daemon writes. Raises `Malformed`."""
        raise NotImplementedError

    def bytes_of(self, key: IdempotencyKey = None) -> Tuple[bytes, bool]:
        """The body to send, and whether it may be asked again. Raises `RequestError`."""
        checked = check_key(key)
        if checked is not None and not self.takes_key:
            raise RequestError(f"{self.opcode.name} takes no idempotency key")
        try:
            return self.encode(checked), self.is_repeatable(checked)
        except Malformed as fault:
            raise RequestError(f"{self.opcode.name}: {fault}") from None

    def accept(self, body: bytes, again: bool) -> R:
        """The reply to this very request; `again` if it was sent before, on a connection that
        was lost. Raises `Malformed`."""
        return self.read_reply(body)

    def is_repeatable(self, key: Optional[bytes]) -> bool:
        """Whether asking again under this key is never done twice."""
        return key is not None


def check_key(key: IdempotencyKey) -> Optional[bytes]:
    """The key as it is sent. Raises `RequestError`."""
    if key is None:
        return None
    sent = key.encode() if isinstance(key, str) else key
    if not isinstance(sent, bytes) or not 1 <= len(sent) <= _LONGEST_KEY:
        raise RequestError(f"an idempotency key has 1 to {_LONGEST_KEY} bytes")
    return sent


class Mapped(Body, Request[R]):
    """A request whose body is a CBOR map: the fields of the dataclass that it is."""

    def encode(self, key: Optional[bytes] = None) -> bytes:
        return cbor.encode(self, key)

    @classmethod
    def decode(cls: Type[Q], body: bytes) -> Tuple[Q, Optional[bytes]]:
        key = cbor.idempotency_key(body)
        return cast(Q, cbor.decode(cast("Type[Body]", cls), body)), key


class Empty(Request[R]):
    """A request without a body."""

    def encode(self, key: Optional[bytes] = None) -> bytes:
        return b""

    @classmethod
    def decode(cls: Type[Q], body: bytes) -> Tuple[Q, Optional[bytes]]:
        if body:
            raise Malformed("the body is not empty")
        return cls(), None


P = TypeVar("P", bound=Body)


class Answered(Request[P]):
    """A request whose reply is a CBOR map of its own class."""

    reply: ClassVar[Type[Any]]

    @classmethod
    def read_reply(cls, body: bytes) -> P:
        return cast(P, cbor.decode(cls.reply, body))

    @classmethod
    def write_reply(cls, reply: P) -> bytes:
        return cbor.encode(reply)


class Done(Request[None]):
    """A request whose reply is an empty map: it says no more than that it was done."""

    @classmethod
    def read_reply(cls, body: bytes) -> None:
        cbor.load(body)

    @classmethod
    def write_reply(cls, reply: None) -> bytes:
        return _EMPTY_MAP
