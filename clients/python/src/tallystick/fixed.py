"""Fixed layouts: the numbers of ISSUE and VERIFY, and the walls they are written between."""

from __future__ import annotations

import struct
from typing import NamedTuple, Optional, Tuple

from .body import Malformed
from .values import Binding, Channel, Transaction

#: Token, TRID, amount, unpredictable number, currency: bytes 0 to 29 of both.
_COMMON = struct.Struct(">QQQIH")
COMMON = _COMMON.size


class Common(NamedTuple):
    """What bytes 0 to 29 hold, as numbers."""

    token: int
    trid: int
    amount: int
    unpredictable_number: int
    currency: int


def write_common(token: str, trid: str, of: Transaction) -> bytes:
    """Bytes 0 to 29. Raises `Malformed`."""
    _digits(token, "token", 12, 19)
    _digits(trid, "trid", 11, 11)
    if (of.amount is None) != (of.currency is None):
        raise Malformed("amount and currency are given together")
    return _COMMON.pack(
        int(token),
        int(trid),
        _number(of.amount, "amount", 64),
        _number(of.unpredictable_number, "unpredictable number", 32),
        _number(of.currency, "currency", 16),
    )


def read_common(body: bytes) -> Common:
    """The other way. Raises `Malformed`."""
    if len(body) < COMMON:
        raise Malformed("the body ends early")
    return Common(*_COMMON.unpack_from(body))


def merchant_of(of: Transaction) -> bytes:
    """A merchant's bytes; none if it is not bound. Raises `Malformed`."""
    if of.merchant is None:
        return b""
    if not of.merchant.isascii() or not of.merchant.isprintable() or not 1 <= len(of.merchant) <= 255:
        raise Malformed("merchant has 1 to 255 printable ASCII characters")
    return of.merchant.encode("ascii")


def transaction(numbers: Common, bound: int, channel: int, merchant: bytes) -> Transaction:
    """A transaction read. Raises `Malformed` if what is not bound is not zero."""
    if bound > 15 or channel > 3 or bool(bound & Binding.MERCHANT) != bool(merchant):
        raise Malformed("binding, channel or merchant")
    has_amount = bool(bound & Binding.AMOUNT)
    has_number = bool(bound & Binding.UNPREDICTABLE_NUMBER)
    if (not has_amount and (numbers.amount or numbers.currency)) or (
        not has_number and numbers.unpredictable_number
    ):
        raise Malformed("a field that is not bound must be zero")
    return Transaction(
        amount=numbers.amount if has_amount else None,
        currency=numbers.currency if has_amount else None,
        merchant=merchant.decode("latin-1") if merchant else None,
        unpredictable_number=numbers.unpredictable_number if has_number else None,
        channel=Channel(channel),
        merchant_initiated=bool(bound & Binding.MERCHANT_INITIATED),
    )


def expiry_number(expiry: str) -> int:
    """An expiry's decimal value. Raises `Malformed`."""
    _digits(expiry, "expiry", 4, 4)
    return int(expiry)


def expiry_text(number: int) -> str:
    """The other way. Raises `Malformed`."""
    if not 1 <= number % 100 <= 12 or number > 9912:
        raise Malformed("an expiry is YYMM with a month of 01 to 12")
    return f"{number:04}"


def tail(body: bytes, start: int, *lengths: int) -> Tuple[bytes, ...]:
    """The parts that stand behind the fixed ones, to the very end. Raises `Malformed`."""
    if len(body) != start + sum(lengths):
        raise Malformed("the body is of another length than it says")
    parts = []
    for length in lengths:
        parts.append(body[start : start + length])
        start += length
    return tuple(parts)


def padded(number: int, digits: int) -> str:
    """A token's number with the zeros in front of it. Raises `Malformed`."""
    text = f"{number:0{digits}}"
    if not 12 <= digits <= 19 or len(text) != digits:
        raise Malformed("a token number has 12 to 19 digits")
    return text


def _digits(text: str, name: str, least: int, most: int) -> None:
    is_text = isinstance(text, str) and text.isascii() and text.isdigit()
    if not is_text or not least <= len(text) <= most:
        raise Malformed(f"{name} has {least}{f' to {most}' if most > least else ''} digits")


def _number(number: Optional[int], name: str, bits: int) -> int:
    if number is None:
        return 0
    if not isinstance(number, int) or not 0 <= number < 1 << bits:
        raise Malformed(f"{name} is a number of {bits} bits")
    return int(number)
