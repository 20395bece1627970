"""Many issues or verifications in one frame. Each counts as if it had been sent alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, List, Optional, Sequence, Tuple, Type, TypeVar, Union

from .body import Malformed
from .errors import Refused
from .opcode import Opcode
from .payments import Issue, Issued, Verified, Verify
from .request import IdempotencyKey, Request, check_key

R = TypeVar("R")
Q = TypeVar("Q", bound="_Batch[Any]")
_MOST = 1024


@dataclass(frozen=True)
class _Batch(Request[List[Union[R, Refused]]], Generic[R]):
    """Items with an idempotency key each, or `None`."""

    of: ClassVar[Type[Any]]

    items: Sequence[Tuple[Request[R], IdempotencyKey]]

    def encode(self, key: Optional[bytes] = None) -> bytes:
        if not 1 <= len(self.items) <= _MOST:
            raise Malformed(f"a batch has 1 to {_MOST} items")
        parts = [struct.pack(">H", len(self.items))]
        for item, item_key in self.items:
            if not isinstance(item, self.of):
                raise Malformed("a batch is of one operation")
            body = item.encode(check_key(item_key))
            parts.append(struct.pack(">H", len(body)) + body)
        return b"".join(parts)

    @classmethod
    def decode(cls: Type[Q], body: bytes) -> Tuple[Q, Optional[bytes]]:
        count, at = _count(body), 2
        items: List[Tuple[Any, IdempotencyKey]] = []
        for _ in range(count):
            (length,) = _unpack(">H", body, at)
            at += 2 + length
            if at > len(body):
                raise Malformed("the batch ends early")
            items.append(cls.of.decode(body[at - length : at]))
        _end(body, at)
        return cls(tuple(items)), None

    @classmethod
    def read_reply(cls, body: bytes) -> List[Union[R, Refused]]:
        count, at = _count(body), 2
        answers: List[Union[R, Refused]] = []
        for _ in range(count):
            status, length = _unpack(">HH", body, at)
            at += 4 + length
            if at > len(body) or (status and length):
                raise Malformed("the batch's replies are not of their lengths")
            answers.append(Refused(status) if status else cls.of.read_reply(body[at - length : at]))
        _end(body, at)
        return answers

    @classmethod
    def write_reply(cls, reply: List[Union[R, Refused]]) -> bytes:
        parts = [struct.pack(">H", len(reply))]
        for answer in reply:
            if isinstance(answer, Refused):
                parts.append(struct.pack(">HH", answer.code, 0))
            else:
                body = cls.of.write_reply(answer)
                parts.append(struct.pack(">HH", 0, len(body)) + body)
        return b"".join(parts)

    def accept(self, body: bytes, again: bool) -> List[Union[R, Refused]]:
        answers = self.read_reply(body)
        if len(answers) != len(self.items):
            raise Malformed("a batch of another size than asked for")
        return [Refused(one.code, again=again) if isinstance(one, Refused) else one for one in answers]

    def is_repeatable(self, key: Optional[bytes]) -> bool:
        return all(item_key is not None for _, item_key in self.items)


class IssueBatch(_Batch[Issued]):
    """ISSUE, 1 to 1,024 times."""

    opcode: ClassVar[Opcode] = Opcode.ISSUE_BATCH
    of: ClassVar[Type[Any]] = Issue


class VerifyBatch(_Batch[Verified]):
    """VERIFY, 1 to 1,024 times."""

    opcode: ClassVar[Opcode] = Opcode.VERIFY_BATCH
    of: ClassVar[Type[Any]] = Verify


def _unpack(layout: str, body: bytes, at: int) -> Tuple[int, ...]:
    if len(body) < at + struct.calcsize(layout):
        raise Malformed("the batch ends early")
    return struct.unpack_from(layout, body, at)


def _count(body: bytes) -> int:
    (count,) = _unpack(">H", body, 0)
    if not 1 <= count <= _MOST:
        raise Malformed(f"a batch has 1 to {_MOST} items")
    return count


def _end(body: bytes, at: int) -> None:
    if at != len(body):
        raise Malformed("the batch goes on too long")
