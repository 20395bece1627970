"""docs/WIRE.md is the contract: each of its examples is read and written again, byte by byte."""

import re
import unittest
from typing import Any, List, Optional, Set, Tuple

from tallystick import Opcode, Refused, Status
from tallystick.body import Malformed, fields_of, load
from tallystick.control import Proposal
from tallystick.frame import Frame, Intake
from tallystick.link import refusal_text

from . import document
from .document import Example

OPERATIONS = document.operations()


def request_again(example: Example, body: bytes) -> bytes:
    request, key = OPERATIONS[Opcode(example.frame.opcode)].decode(body)
    return request.encode(key)


def reply_again(example: Example, body: bytes) -> bytes:
    operation = OPERATIONS[Opcode(example.frame.opcode)]
    return operation.write_reply(operation.read_reply(body))


def in_order(example: Example, body: bytes) -> Any:
    """A proposal's fields come in an order of their own, which tells nothing."""
    operation = OPERATIONS[Opcode(example.frame.opcode)]
    is_proposal = getattr(operation, "reply", None) is Proposal and not example.is_request
    return (len(body), load(body)) if is_proposal else body


def again(example: Example, body: bytes) -> bytes:
    return (request_again if example.is_request else reply_again)(example, body)


class Examples(unittest.TestCase):
    def test_every_example_is_read_and_written_again(self) -> None:
        examples = document.examples()
        self.assertGreater(len(examples), 90)
        for example in examples:
            with self.subTest(example.name, is_request=example.is_request):
                frame = example.frame
                self.assertEqual(Opcode(frame.opcode).name.lower(), example.name)
                self.assertEqual(Frame(frame.opcode, frame.status, frame.id, frame.body).encode(), example.data)
                if frame.status == Status.OK:
                    self.assertEqual(in_order(example, again(example, frame.body)), in_order(example, frame.body))
                else:
                    refused = Refused(frame.status, refusal_text(frame.body))
                    self.assertEqual(refused.status, Status.of(frame.status))
                    self.assertIsNotNone(refused.status)
                    self.assertEqual(refused.text is not None, bool(frame.body))

    def test_every_operation_has_an_example_of_both_directions(self) -> None:
        there = {(example.name, example.is_request) for example in document.examples()}
        for opcode in Opcode:
            self.assertIn(opcode, OPERATIONS)
            self.assertLessEqual({(opcode.name.lower(), True), (opcode.name.lower(), False)}, there)

    def test_every_truncation_and_every_longer_body_is_malformed(self) -> None:
        for example in document.examples():
            # A refusal's text is for people, metrics are any text.
            if example.frame.status or (example.name == "metrics" and not example.is_request):
                continue
            body = example.frame.body
            for wrong in [*(body[:length] for length in range(len(body))), body + b"\0"]:
                with self.subTest(example.name, is_request=example.is_request, length=len(wrong)):
                    self.assertRaises(Malformed, again, example, wrong)

    def test_every_flipped_bit_is_survived(self) -> None:
        """It gives another message or is malformed; what has a fixed layout has one form."""
        for example in document.examples():
            if example.frame.status:
                continue
            for bit in range(len(example.frame.body) * 8):
                flipped = bytearray(example.frame.body)
                flipped[bit // 8] ^= 1 << (bit % 8)
                answer = self.result(example, bytes(flipped))
                if answer is not None and not isinstance(answer, Malformed) and is_fixed(example.name):
                    self.assertEqual(answer, flipped, (example.name, bit))

    def result(self, example: Example, body: bytes) -> Any:
        try:
            return again(example, body)
        except Malformed as malformed:
            return malformed

    def test_no_part_of_a_frame_arrives(self) -> None:
        for example in document.examples():
            intake = Intake(1 << 20)
            arrived: List[Frame] = []
            for at in range(len(example.data)):
                self.assertEqual(arrived, [])
                arrived = intake.take(example.data[at : at + 1])
            self.assertEqual([frame.encode() for frame in arrived], [example.data])


def is_fixed(name: str) -> bool:
    return name.split("_")[0] in ("issue", "verify") and "card" not in name


class Tables(unittest.TestCase):
    def test_the_statuses_are_those_of_the_document(self) -> None:
        rows = [tuple(row) for row in document.table("| code | name | meaning |")]
        ours = [(f"`{int(one):#06x}`", f"`{one.name.lower()}`", one.says) for one in Status]
        self.assertEqual(rows, ours)

    def test_the_operations_are_those_of_the_document(self) -> None:
        rows = list(document.table("| opcode | name | roles, any of | idempotency key | body |"))
        self.assertEqual([row[:2] for row in rows], [(f"`{int(one):#06x}`", f"`{one.name.lower()}`") for one in Opcode])
        for _, name, _, key, _ in rows:
            operation = OPERATIONS[Opcode[name.strip("`").upper()]]
            self.assertEqual(operation.takes_key, key == "yes", name)

    def test_every_field_of_a_table_stands_in_its_class(self) -> None:
        """The tables of CBOR fields, by the heading that they stand under."""
        checked = 0
        for heading, opcode in headings():
            section = document.TEXT.split(f"\n### {heading}\n")[1]
            section = re.split(r"\n###? ", section)[0]
            keys = first_table(section)
            if keys is None:
                continue
            checked += 1
            self.assertLessEqual(keys, numbers(OPERATIONS[opcode]), heading)
        self.assertGreater(checked, 10)


def headings() -> Tuple[Tuple[str, Opcode], ...]:
    names = {opcode.name: opcode for opcode in Opcode}
    lines = [line[4:] for line in document.TEXT.splitlines() if line.startswith("### ")]
    return tuple((line, names[line]) for line in lines if line in names)


def first_table(section: str) -> Optional[Set[int]]:
    """The keys of the first table of fields that a request has."""
    for head in ("| key | field | type | rule |", "| key | field | type |"):
        if head in section:
            rows = section.split(head)[1].splitlines()[2:]
            keys = set()
            for row in rows:
                if not row.startswith("|"):
                    break
                keys.add(int(row.split("|")[1]))
            return keys
    return None


def numbers(operation: Any) -> Set[int]:
    keys = {field.number for field in fields_of(operation)}
    return keys | ({0} if operation.takes_key else set())


if __name__ == "__main__":
    unittest.main()
