"""A daemon that breaks the protocol: the client never hangs, and raises nothing but its own."""

import random
import struct
import unittest
from typing import Any, Callable, List

import tallystick
from tallystick import ConnectionLost, ProtocolError, Refused, TallystickError
from tallystick.frame import Frame
from tallystick.opcode import Opcode
from tallystick.service import Hello, Metrics, Welcome

from . import document
from .case import ISSUE, SHORT, TOKEN, TRID, Case, issued, number_of
from .fake import LONG, Fake, Peer, echo


class Faults(Case):
    """What a daemon must not do. Each ends the connection, and the next one serves."""

    def broken_by(self, answer: Callable[[Peer, Frame], Any]) -> None:
        def script(peer: Peer) -> None:
            peer.welcome()
            (request,) = peer.requests(1)
            answer(peer, request)
            peer.next()

        with Fake(script, echo) as fake:
            engine = self.engine(fake)
            error = self.error(engine.submit(ISSUE, key="k"))
            self.assertIsInstance(error, ProtocolError)
            assert isinstance(error, ProtocolError)
            self.assertTrue(error.outcome_unknown)
            engine.ping()
            engine.close()
            self.assertEqual(len(fake.peers), 2)

    def test_an_answer_that_nothing_waits_for(self) -> None:
        self.broken_by(lambda peer, to: peer.send(Frame(to.opcode, 0, to.id + 1, issued(1)).encode()))

    def test_an_answer_with_the_id_of_hello(self) -> None:
        self.broken_by(lambda peer, to: peer.send(Frame(to.opcode, 0, 1, issued(1)).encode()))

    def test_an_answer_to_a_frame_that_could_not_be_told(self) -> None:
        self.broken_by(lambda peer, to: peer.send(Frame(to.opcode, 0x0101, 0, b"").encode()))

    def test_an_answer_to_another_operation(self) -> None:
        self.broken_by(lambda peer, to: peer.send(Frame(Opcode.VERIFY, 0, to.id, bytes(4)).encode()))

    def test_a_frame_shorter_than_its_header(self) -> None:
        self.broken_by(lambda peer, to: peer.send(struct.pack(">I", 11) + bytes(11)))

    def test_a_frame_larger_than_agreed(self) -> None:
        self.broken_by(lambda peer, to: peer.send(struct.pack(">I", 65_533)))

    def test_the_same_answer_twice(self) -> None:
        def script(peer: Peer) -> None:
            peer.welcome()
            first, second = peer.requests(2)
            peer.reply(first, issued(1))
            peer.reply(first, issued(1))
            peer.next()

        with Fake(script, echo) as fake:
            engine = self.engine(fake)
            first, second = engine.submit_all([(ISSUE, None), (ISSUE, None)])
            self.assertEqual(number_of(first.result(LONG)), 1)
            self.assertIsInstance(self.error(second), ProtocolError)
            engine.close()

    def test_a_body_that_cannot_be_read_is_of_its_request_alone(self) -> None:
        bodies = [b"", bytes(21), bytes(23), bytes(20) + b"\xff\xff"]

        def script(peer: Peer) -> None:
            peer.welcome()
            for body in bodies:
                (request,) = peer.requests(1)
                peer.reply(request, body)
            (request,) = peer.requests(1)
            peer.reply(request, struct.pack(">HHH", 1, 0x0407, 0))
            (request,) = peer.requests(1)
            peer.reply(request, b"\xff\xfe")
            (request,) = peer.requests(1)
            peer.reply(request)
            peer.next()

        with Fake(script) as fake:
            engine = self.engine(fake)
            for _ in bodies:
                self.assertRaises(ProtocolError, engine.issue, TOKEN, TRID)
            # One answer to a batch of two.
            self.assertRaises(ProtocolError, engine.issue_batch, [(ISSUE, None)] * 2)
            self.assertRaises(ProtocolError, engine.call, Metrics())
            engine.ping()
            engine.close()
            self.assertEqual(len(fake.peers), 1)

    def test_a_door_that_is_closed(self) -> None:
        def welcome(**more: Any) -> bytes:
            values = {"version": 1, "frame": 65_536, "in_flight": 1024, "server": "fake", **more}
            return Frame(1, 0, 1, Hello.write_reply(Welcome(**values))).encode()

        for said, expected in (
            (Frame(1, 0x0301, 0, b"").encode(), Refused),
            (Frame(1, 0x0601, 0, b"").encode(), Refused),
            (Frame(1, 0x0105, 1, b"").encode(), Refused),
            (b"", ConnectionLost),
            (b"\0\0\0", ConnectionLost),
            (Frame(2, 0, 1, b"").encode(), ProtocolError),
            (Frame(1, 0, 2, b"").encode(), ProtocolError),
            (Frame(1, 0, 1, b"").encode(), ProtocolError),
            (Frame(1, 0, 1, b"\xa0").encode(), ProtocolError),
            (welcome(version=2), ProtocolError),
            (welcome(frame=65_537), ProtocolError),
            (welcome(in_flight=1025), ProtocolError),
            (welcome(in_flight=0), ProtocolError),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProtocolError),
        ):
            def script(peer: Peer) -> None:
                peer.next()
                peer.send(said)

            with self.subTest(said=said), Fake(script) as fake:
                with self.assertRaises(expected) as caught:
                    tallystick.connect(fake.path, timeout=LONG)
                self.assertFalse(caught.exception.outcome_unknown)

    def test_a_daemon_that_says_nothing(self) -> None:
        with Fake(lambda peer: peer.requests(2)) as fake:
            with self.assertRaises(ConnectionLost) as caught:
                tallystick.connect(fake.path, timeout=SHORT)
            self.assertFalse(caught.exception.outcome_unknown)

    def test_no_daemon_and_a_path_that_none_can_have(self) -> None:
        for path in ("/nonexistent/tallyd.sock", "x" * 200, "/"):
            self.assertRaises(ConnectionLost, tallystick.connect, path)

    def test_whatever_is_sent_the_client_raises_its_own_and_ends(self) -> None:
        """Frames of the document, damaged, with the ids of real requests, and noise."""
        replies = [example.frame for example in document.examples() if not example.is_request]
        requests = [document.operations()[Opcode(frame.opcode)] for frame in replies]
        told: List[str] = []
        for seed in range(300):
            draw = random.Random(seed)
            chosen = [draw.randrange(len(replies)) for _ in range(4)]

            def script(peer: Peer) -> None:
                peer.welcome()
                sent = peer.requests(4)
                for at, request in zip(chosen, sent):
                    frame = Frame(replies[at].opcode, replies[at].status, request.id, replies[at].body)
                    peer.send(damaged(draw, frame.encode()))

            with Fake(script) as fake:
                engine = tallystick.connect(fake.path, timeout=LONG, reconnect=False)
                futures = [engine.submit(example_request(requests[at])) for at in chosen]
                for future in futures:
                    error = future.exception(LONG)
                    self.assertIsInstance(error, (type(None), TallystickError), seed)
                    told.append(type(error).__name__)
                engine.close(wait=False)
        self.assertLessEqual({"NoneType", "Refused", "ConnectionLost", "ProtocolError"}, set(told))


def example_request(operation: Any) -> Any:
    for example in document.examples():
        if example.is_request and example.frame.opcode == operation.opcode:
            return operation.decode(example.frame.body)[0]
    raise AssertionError(operation)


def damaged(draw: random.Random, data: bytes) -> bytes:
    kind = draw.randrange(6)
    if kind == 0:
        return data[: draw.randrange(len(data))]
    if kind == 1:
        return draw.randbytes(draw.randrange(64))
    if kind == 2:
        return data
    wrong = bytearray(data)
    for _ in range(draw.randrange(1, 4)):
        # The length least often: it hides the rest.
        at = draw.randrange(0 if kind == 3 else 4, len(wrong))
        wrong[at] ^= 1 << draw.randrange(8)
    return bytes(wrong)


if __name__ == "__main__":
    unittest.main()
