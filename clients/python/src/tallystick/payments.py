"""Cryptograms and dynamic verification values: ISSUE, VERIFY, their short forms."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Optional, Tuple, Type, TypeVar

from . import fixed
from .body import Malformed
from .opcode import Opcode
from .request import Request
from .secret import ShortValue
from .values import NOTHING_KNOWN, Transaction

#: Digits, binding, channel, merchant's length, key's length, then one more.
_ENDS = struct.Struct(">6B")
I = TypeVar("I", bound="_Issue")


@dataclass(frozen=True)
class Issued:
    """A cryptogram."""

    #: 20 bytes.
    cryptogram: bytes
    #: Of the token, YYMM.
    expiry: str


@dataclass(frozen=True)
class IssuedShort:
    """A dynamic verification value."""

    #: The counter that it stands for.
    atc: int
    #: Of the token, YYMM.
    expiry: str
    #: 3 or 4 digits.
    value: ShortValue


@dataclass(frozen=True)
class Verified:
    """An acceptance; it is given once."""

    #: The counter that was consumed.
    atc: int


@dataclass(frozen=True)
class _Issue:
    """What both kinds of issuing ask."""

    #: 12 to 19 digits.
    token: str
    #: 11 digits.
    trid: str
    transaction: Transaction = NOTHING_KNOWN

    def encode(self, key: Optional[bytes] = None) -> bytes:
        merchant, key = fixed.merchant_of(self.transaction), key or b""
        of = self.transaction
        ends = _ENDS.pack(len(self.token), of.binding, of.channel, len(merchant), len(key), 0)
        return fixed.write_common(self.token, self.trid, of) + ends + merchant + key

    @classmethod
    def decode(cls: Type[I], body: bytes) -> Tuple[I, Optional[bytes]]:
        numbers = fixed.read_common(body)
        if len(body) < fixed.COMMON + _ENDS.size:
            raise Malformed("the body ends early")
        digits, bound, channel, merchant_length, key_length, reserved = _ENDS.unpack_from(body, fixed.COMMON)
        if reserved:
            raise Malformed("a reserved byte is not zero")
        merchant, key = fixed.tail(body, fixed.COMMON + _ENDS.size, merchant_length, key_length)
        of = fixed.transaction(numbers, bound, channel, merchant)
        return cls(fixed.padded(numbers.token, digits), f"{numbers.trid:011}", of), key or None


class Issue(_Issue, Request[Issued]):
    """Issues a cryptogram."""

    opcode: ClassVar[Opcode] = Opcode.ISSUE
    takes_key: ClassVar[bool] = True

    @classmethod
    def read_reply(cls, body: bytes) -> Issued:
        if len(body) != 22:
            raise Malformed("the reply to ISSUE has 22 bytes")
        return Issued(body[:20], fixed.expiry_text(int.from_bytes(body[20:], "big")))

    @classmethod
    def write_reply(cls, reply: Issued) -> bytes:
        return reply.cryptogram + fixed.expiry_number(reply.expiry).to_bytes(2, "big")


class IssueShort(_Issue, Request[IssuedShort]):
    """Issues a dynamic verification value."""

    opcode: ClassVar[Opcode] = Opcode.ISSUE_SHORT
    takes_key: ClassVar[bool] = True

    @classmethod
    def read_reply(cls, body: bytes) -> IssuedShort:
        if len(body) < 7:
            raise Malformed("the reply to ISSUE_SHORT ends early")
        atc, expiry, length = struct.unpack_from(">IHB", body)
        (digits,) = fixed.tail(body, 7, length)
        return IssuedShort(atc, fixed.expiry_text(expiry), _short(digits))

    @classmethod
    def write_reply(cls, reply: IssuedShort) -> bytes:
        value = reply.value.expose().encode("ascii")
        return struct.pack(">IHB", reply.atc, fixed.expiry_number(reply.expiry), len(value)) + value


class _Verifying(Request[Verified]):
    """The part of both kinds of verifying that is after the bytes of ISSUE."""

    takes_key: ClassVar[bool] = True

    @classmethod
    def read_reply(cls, body: bytes) -> Verified:
        if len(body) != 4:
            raise Malformed("the reply to VERIFY has 4 bytes")
        return Verified(int.from_bytes(body, "big"))

    @classmethod
    def write_reply(cls, reply: Verified) -> bytes:
        return reply.atc.to_bytes(4, "big")


@dataclass(frozen=True)
class Verify(_Verifying):
    """Verifies a cryptogram and consumes it."""

    opcode: ClassVar[Opcode] = Opcode.VERIFY

    token: str
    trid: str
    #: Of the token as presented, YYMM.
    expiry: str
    #: 20 bytes.
    cryptogram: bytes
    transaction: Transaction = NOTHING_KNOWN

    def encode(self, key: Optional[bytes] = None) -> bytes:
        if not isinstance(self.cryptogram, bytes) or len(self.cryptogram) != 20:
            raise Malformed("a cryptogram has 20 bytes")
        return _write_verify(self.token, self.trid, self.expiry, self.transaction, self.cryptogram, key)

    @classmethod
    def decode(cls, body: bytes) -> Tuple["Verify", Optional[bytes]]:
        token, trid, expiry, of, presented, key = _read_verify(body)
        if len(presented) != 20:
            raise Malformed("a cryptogram has 20 bytes")
        return cls(token, trid, expiry, presented, of), key


@dataclass(frozen=True)
class VerifyShort(_Verifying):
    """Verifies a dynamic verification value and consumes it."""

    opcode: ClassVar[Opcode] = Opcode.VERIFY_SHORT

    token: str
    trid: str
    #: Of the token as presented, YYMM.
    expiry: str
    value: ShortValue
    transaction: Transaction = NOTHING_KNOWN

    def encode(self, key: Optional[bytes] = None) -> bytes:
        value = self.value.expose().encode("ascii")
        return _write_verify(self.token, self.trid, self.expiry, self.transaction, value, key)

    @classmethod
    def decode(cls, body: bytes) -> Tuple["VerifyShort", Optional[bytes]]:
        token, trid, expiry, of, presented, key = _read_verify(body)
        return cls(token, trid, expiry, _short(presented), of), key


def _write_verify(
    token: str, trid: str, expiry: str, of: Transaction, presented: bytes, key: Optional[bytes]
) -> bytes:
    merchant, key = fixed.merchant_of(of), key or b""
    date = fixed.expiry_number(expiry).to_bytes(2, "big")
    ends = _ENDS.pack(len(token), of.binding, of.channel, len(merchant), len(key), len(presented))
    return fixed.write_common(token, trid, of) + date + ends + presented + merchant + key


def _read_verify(body: bytes) -> Tuple[str, str, str, Transaction, bytes, Optional[bytes]]:
    numbers, start = fixed.read_common(body), fixed.COMMON + 2
    if len(body) < start + _ENDS.size:
        raise Malformed("the body ends early")
    expiry = fixed.expiry_text(int.from_bytes(body[fixed.COMMON : start], "big"))
    digits, bound, channel, merchant_length, key_length, length = _ENDS.unpack_from(body, start)
    lengths = (length, merchant_length, key_length)
    presented, merchant, key = fixed.tail(body, start + _ENDS.size, *lengths)
    of = fixed.transaction(numbers, bound, channel, merchant)
    return fixed.padded(numbers.token, digits), f"{numbers.trid:011}", expiry, of, presented, key or None


def _short(digits: bytes) -> ShortValue:
    try:
        return ShortValue(digits.decode("ascii"))
    except ValueError:
        raise Malformed("a dynamic verification value has 3 or 4 digits") from None
