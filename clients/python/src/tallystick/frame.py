"""Frames: what stands before every body."""

from __future__ import annotations

import struct
from typing import List

from .errors import ProtocolError

_HEAD = struct.Struct(">IHHQ")
#: Bytes before a body, the length's own four included.
HEAD = _HEAD.size
#: What a frame's length counts beside its body.
_COUNTED = 12


class Frame:
    """One frame. It shows nothing of its body."""

    __slots__ = ("opcode", "status", "id", "body")

    def __init__(self, opcode: int, status: int, id: int, body: bytes) -> None:
        self.opcode = opcode
        #: Of a request its flags, zero.
        self.status = status
        self.id = id
        self.body = body

    def encode(self) -> bytes:
        """Its bytes."""
        return _HEAD.pack(_COUNTED + len(self.body), self.opcode, self.status, self.id) + self.body


class Intake:
    """What has arrived and is not yet a whole frame."""

    def __init__(self, largest: int) -> None:
        #: Bytes of the largest frame that may come, its length field included.
        self.largest = largest
        self._bytes = bytearray()

    def take(self, arrived: bytes) -> List[Frame]:
        """The frames that are whole now. Raises `ProtocolError` at a length that no frame has."""
        self._bytes += arrived
        frames: List[Frame] = []
        start = 0
        while len(self._bytes) - start >= 4:
            (length,) = struct.unpack_from(">I", self._bytes, start)
            if length < _COUNTED or length + 4 > self.largest:
                raise ProtocolError("the daemon sent a frame of a wrong size", outcome_unknown=True)
            end = start + 4 + length
            if len(self._bytes) < end:
                break
            _, opcode, status, id = _HEAD.unpack_from(self._bytes, start)
            frames.append(Frame(opcode, status, id, bytes(self._bytes[start + HEAD : end])))
            start = end
        del self._bytes[:start]
        return frames
