"""The daemon itself: HELLO, PING, status, metrics, maintenance, backups."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Optional, Tuple, Type

from .body import Body, Key, Malformed, Row
from .opcode import Opcode
from .request import Answered, Empty, Mapped
from .tokens import Token

#: The protocol version that this package speaks.
PROTOCOL = 1


@dataclass(frozen=True)
class Welcome(Body):
    """What was agreed on."""

    version: Annotated[int, Key(1)]
    #: Bytes of the largest frame.
    frame: Annotated[int, Key(2)]
    #: Most requests in flight.
    in_flight: Annotated[int, Key(3)]
    #: The daemon's name and version.
    server: Annotated[str, Key(4)]


@dataclass(frozen=True)
class Hello(Mapped[Welcome], Answered[Welcome]):
    """The first frame of a connection."""

    opcode: ClassVar[Opcode] = Opcode.HELLO
    reply: ClassVar[Type[Any]] = Welcome

    versions: Annotated[Tuple[int, ...], Key(1)]
    frame: Annotated[int, Key(2)]
    in_flight: Annotated[int, Key(3)]
    #: For the daemon's log: 1 to 64 printable ASCII characters.
    name: Annotated[str, Key(4)]


class Ping(Empty[None]):
    """There and back."""

    opcode: ClassVar[Opcode] = Opcode.PING

    @classmethod
    def read_reply(cls, body: bytes) -> None:
        if body:
            raise Malformed("the reply to PING is empty")

    @classmethod
    def write_reply(cls, reply: None) -> bytes:
        return b""


@dataclass(frozen=True)
class KeyState(Row):
    """A key of the daemon's own."""

    purpose: str
    version: int
    state: str
    #: In hex.
    key_check_value: str


@dataclass(frozen=True)
class ImportedKey(Row):
    """A key of another system."""

    label: str
    purpose: str
    algorithm: str
    state: str
    #: In hex.
    key_check_value: str
    #: As a key block says it.
    exportability: str


@dataclass(frozen=True)
class Report(Body):
    """What the daemon is and how it is."""

    #: `serving`, or why not.
    health: Annotated[str, Key(1)]
    server: Annotated[str, Key(2)]
    #: Of the memory that holds the keys; empty while sealed.
    protection: Annotated[str, Key(3)]
    #: Whether the process may be dumped or traced by its own user.
    dumpable: Annotated[bool, Key(4)]
    no_new_privs: Annotated[bool, Key(5)]
    #: Of the store.
    epoch: Annotated[int, Key(7)]
    #: The newest commit group on disk.
    durable_group: Annotated[int, Key(8)]
    tokens: Annotated[int, Key(9)]
    connections: Annotated[int, Key(10)]
    uptime_seconds: Annotated[int, Key(11)]
    keys: Annotated[Tuple[KeyState, ...], Key(12)]
    #: How system calls and files are restricted.
    sandbox: Annotated[str, Key(20)]
    #: Bytes of the largest core file; `None` without a limit.
    core_limit: Annotated[Optional[int], Key(6)] = None
    imported_keys: Annotated[Optional[Tuple[ImportedKey, ...]], Key(21)] = None


@dataclass(frozen=True)
class ShowReport(Empty[Report], Answered[Report]):
    """STATUS."""

    opcode: ClassVar[Opcode] = Opcode.STATUS
    reply: ClassVar[Type[Any]] = Report


class Metrics(Empty[str]):
    """Metrics in the OpenMetrics text format."""

    opcode: ClassVar[Opcode] = Opcode.METRICS

    @classmethod
    def read_reply(cls, body: bytes) -> str:
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("the metrics are not UTF-8") from None

    @classmethod
    def write_reply(cls, reply: str) -> bytes:
        return reply.encode("utf-8")


@dataclass(frozen=True)
class ClearShortLock(Mapped[Token], Answered[Token]):
    """Clears both locks of a token."""

    opcode: ClassVar[Opcode] = Opcode.CLEAR_SHORT_LOCK
    takes_key: ClassVar[bool] = True
    reply: ClassVar[Type[Any]] = Token

    token: Annotated[str, Key(1)]


@dataclass(frozen=True)
class Resealed(Body):
    """What a look at some tokens found."""

    #: Of the PAN sealing key that is active.
    version: Annotated[int, Key(1)]
    #: Tokens.
    looked_at: Annotated[int, Key(2)]
    #: Those that are under this version now and were not before.
    resealed: Annotated[int, Key(3)]
    #: Those whose PAN does not open.
    unopened: Annotated[int, Key(4)]
    #: Held by the engine.
    tokens: Annotated[int, Key(5)]
    #: Where to go on; `None` at the end.
    next: Annotated[Optional[int], Key(6)] = None


@dataclass(frozen=True)
class Reseal(Mapped[Resealed], Answered[Resealed]):
    """Seals some PANs anew under the active key."""

    opcode: ClassVar[Opcode] = Opcode.RESEAL
    takes_key: ClassVar[bool] = True
    reply: ClassVar[Type[Any]] = Resealed

    #: 1 to 100 tokens to look at.
    limit: Annotated[int, Key(2)]
    after: Annotated[Optional[int], Key(1)] = None


@dataclass(frozen=True)
class BackupBegun:
    """What a backup that has begun holds."""

    epoch: int
    #: The newest commit group in it.
    group: int
    #: About how many bytes it has.
    size: int


class BackupBegin(Empty[BackupBegun]):
    """From now on this connection can take everything that is durable now."""

    opcode: ClassVar[Opcode] = Opcode.BACKUP_BEGIN

    @classmethod
    def read_reply(cls, body: bytes) -> BackupBegun:
        if len(body) != 24:
            raise Malformed("the reply to BACKUP_BEGIN has 24 bytes")
        return BackupBegun(*struct.unpack(">QQQ", body))

    @classmethod
    def write_reply(cls, reply: BackupBegun) -> bytes:
        return struct.pack(">QQQ", reply.epoch, reply.group, reply.size)


@dataclass(frozen=True)
class Piece:
    """A piece of a backup; none at its end."""

    data: Optional[bytes] = field(repr=False)


class BackupNext(Empty[Piece]):
    """The next piece of a backup."""

    opcode: ClassVar[Opcode] = Opcode.BACKUP_NEXT

    @classmethod
    def read_reply(cls, body: bytes) -> Piece:
        if body == b"\0":
            return Piece(None)
        if len(body) < 5 or body[0] != 1 or int.from_bytes(body[1:5], "big") != len(body) - 5:
            raise Malformed("the reply to BACKUP_NEXT is not of its length")
        return Piece(body[5:])

    @classmethod
    def write_reply(cls, reply: Piece) -> bytes:
        return b"\0" if reply.data is None else struct.pack(">BI", 1, len(reply.data)) + reply.data
