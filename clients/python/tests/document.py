"""The examples and tables of docs/WIRE.md."""

import os
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple, Type

from tallystick import batches, cards, control, payments, service, tokens
from tallystick.frame import Frame, Intake
from tallystick.opcode import Opcode
from tallystick.request import Request

#: Where it is: beside this package, unless the environment says otherwise.
PATH = Path(os.environ.get("TALLYSTICK_WIRE", Path(__file__).parents[3] / "docs" / "WIRE.md"))
TEXT = PATH.read_text(encoding="utf-8")


class Example(NamedTuple):
    """A block of hex digits, as a frame."""

    is_request: bool
    name: str
    frame: Frame
    data: bytes


def examples() -> List[Example]:
    """Every block that begins with "hex request NAME" or "hex reply NAME"."""
    found = []
    for direction, name, block in re.findall(r"```hex (request|reply) (\w+)\n(.*?)```", TEXT, re.S):
        digits = "".join(line.split("#")[0].strip() for line in block.splitlines())
        data = bytes.fromhex(digits)
        (frame,) = Intake(1 << 24).take(data)
        found.append(Example(direction == "request", name, frame, data))
    return found


def table(head: str) -> Iterator[Tuple[str, ...]]:
    """The rows of the table with this head, as cells."""
    for line in TEXT[TEXT.index(head) :].splitlines()[2:]:
        if not line.startswith("|"):
            return
        yield tuple(cell.strip() for cell in line.strip("|").split("|"))


def operations() -> Dict[Opcode, Type[Request[Any]]]:
    """The class of every operation."""
    found: Dict[Opcode, Type[Request[Any]]] = {}
    for module in (batches, cards, control, payments, service, tokens):
        for item in vars(module).values():
            is_operation = isinstance(item, type) and issubclass(item, Request) and "opcode" in vars(item)
            if is_operation and item.__module__ == module.__name__:
                assert item.opcode not in found, item
                found[item.opcode] = item
    return found
