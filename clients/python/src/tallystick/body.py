"""CBOR bodies (RFC 8949): a dataclass's fields say under which key of a map they stand.

    @dataclass(frozen=True)
    class HoldCard(Body):
        pan: Annotated[Pan, Key(1)]
        seconds: Annotated[int, Key(3)]

is the whole description of a body, as a table of WIRE.md is. A field that is `Optional` is
left out if it is `None`.
"""

from __future__ import annotations

import dataclasses
import enum
import io
from typing import (
    Annotated,
    Any,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Tuple,
    Type,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import cbor2

from .secret import Secret

B = TypeVar("B", bound="Body")
#: The key of an idempotency key, in every body that takes one.
_IDEMPOTENCY = 0


class Malformed(ValueError):
    """A body is not of its operation's form. It names the field and repeats no value."""


@dataclasses.dataclass(frozen=True)
class Key:
    """The key of a field in its map."""

    number: int


class _Field(NamedTuple):
    name: str
    number: int
    kind: Any
    is_optional: bool


_KNOWN: Dict[Type[object], Tuple[_Field, ...]] = {}


class Body:
    """A map of integer keys."""

    def to_map(self) -> Dict[int, object]:
        """What is written, in ascending order of keys. Raises `Malformed`."""
        written: Dict[int, object] = {}
        for field in fields_of(type(self)):
            value = getattr(self, field.name)
            if value is not None or not field.is_optional:
                written[field.number] = _pack(field.kind, value, field.name)
        return written

    @classmethod
    def from_map(cls: Type[B], read: object) -> B:
        """The other way. Keys that are not known are passed over. Raises `Malformed`."""
        if not isinstance(read, Mapping):
            raise Malformed(f"{cls.__name__} is no map")
        values: Dict[str, Any] = {}
        for field in fields_of(cls):
            if field.number in read:
                values[field.name] = _unpack(field.kind, read[field.number], field.name)
            elif field.is_optional:
                values[field.name] = None
            else:
                raise Malformed(f"{field.name} is missing")
        return cls(**values)


class Row:
    """A list whose places have meanings; what is `Optional` stands last and may be missing."""


def encode(body: Body, key: Optional[bytes] = None) -> bytes:
    """The bytes of a body: the same for the same body, so that it can be asked again."""
    first: Dict[int, object] = {} if key is None else {_IDEMPOTENCY: key}
    return cbor2.dumps({**first, **body.to_map()})


def decode(cls: Type[B], body: bytes) -> B:
    """Reads a body. Raises `Malformed`."""
    return cls.from_map(load(body))


def idempotency_key(body: bytes) -> Optional[bytes]:
    """The idempotency key of a body, if it has one. Raises `Malformed`."""
    key = load(body).get(_IDEMPOTENCY)
    if key is not None and not isinstance(key, bytes):
        raise Malformed("an idempotency key is a byte string")
    return key


def load(body: bytes) -> Dict[int, object]:
    """The one map that a body is, with nothing behind it and no key twice. Raises `Malformed`."""
    stream = io.BytesIO(body)
    try:
        read = cbor2.CBORDecoder(stream).decode()
        # One form only: what is written again is what was read. It tells of keys that stand
        # twice, of tags, and of what stands behind the map.
        is_same = isinstance(read, dict) and cbor2.dumps(read) == body
    except Exception:
        # Its own exceptions may repeat what was read.
        raise Malformed("a body is not CBOR") from None
    if not is_same or not all(type(key) is int and key >= 0 for key in read):
        raise Malformed("a body is not one map of integer keys")
    return dict(read)


def fields_of(cls: Type[object]) -> Tuple[_Field, ...]:
    """A body's fields by ascending key; a row's by place."""
    known = _KNOWN.get(cls)
    if known is None:
        known = _KNOWN[cls] = _look_up(cls)
    return known


def _look_up(cls: Type[Any]) -> Tuple[_Field, ...]:
    found: List[_Field] = []
    hints = get_type_hints(cls, include_extras=True)
    for at, field in enumerate(dataclasses.fields(cls)):
        kind, number = hints[field.name], at
        if get_origin(kind) is Annotated:
            kind, key = get_args(kind)
            number = key.number
        is_optional = get_origin(kind) is Union
        if is_optional:
            (kind,) = (arm for arm in get_args(kind) if arm is not type(None))
        found.append(_Field(field.name, number, kind, is_optional))
    return tuple(sorted(found, key=lambda field: field.number))


def _pack(kind: Any, value: Any, name: str) -> object:
    """A value as CBOR has it, after a look that it is what the field holds."""
    if get_origin(kind) is tuple:
        if not isinstance(value, (tuple, list)):
            raise Malformed(f"{name} is a list")
        return [_pack(get_args(kind)[0], item, name) for item in value]
    is_number = kind is int or issubclass(kind, enum.IntFlag)
    is_it = isinstance(value, kind) or (is_number and isinstance(value, int))
    if not is_it or (is_number and (isinstance(value, bool) or not 0 <= value < 1 << 64)):
        raise Malformed(f"{name} is of another type")
    if issubclass(kind, Secret):
        return value.expose()
    if issubclass(kind, Body):
        return value.to_map()
    if issubclass(kind, Row):
        return _pack_row(value)
    if issubclass(kind, enum.IntFlag):
        return int(value)
    return value.value if isinstance(value, enum.Enum) else value


def _pack_row(row: Any) -> List[object]:
    places: List[object] = []
    for field in fields_of(type(row)):
        value = getattr(row, field.name)
        if value is not None:
            places.append(_pack(field.kind, value, field.name))
    return places


def _unpack(kind: Any, value: Any, name: str) -> Any:
    """The other way."""
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise Malformed(f"{name} is a list")
        return tuple(_unpack(get_args(kind)[0], item, name) for item in value)
    if issubclass(kind, Body):
        return kind.from_map(value)
    if issubclass(kind, Row):
        return _unpack_row(kind, value, name)
    is_number = kind is int or issubclass(kind, enum.IntFlag)
    text = str if issubclass(kind, (Secret, enum.Enum)) else kind
    if type(value) is not (int if is_number else text):
        raise Malformed(f"{name} is of another type")
    try:
        return value if kind in (int, str, bytes, bool) else kind(value)
    except ValueError:
        raise Malformed(f"{name} is none that is known") from None


def _unpack_row(kind: Any, value: Any, name: str) -> Any:
    fields = fields_of(kind)
    least = sum(not field.is_optional for field in fields)
    if not isinstance(value, list) or not least <= len(value) <= len(fields):
        raise Malformed(f"{name} has another number of places")
    return kind(**{field.name: _unpack(field.kind, place, name) for field, place in zip(fields, value)})
