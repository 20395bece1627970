"""Against a daemon that misbehaves: the client never hangs, and raises nothing but its own."""

import logging
import os
import random
import socket
import struct
import threading
import unittest
from concurrent.futures import Future, wait
from typing import Any, Callable, List

import tallystick
from tallystick import (
    ConnectionLost,
    Engine,
    Issue,
    Issued,
    ProtocolError,
    Refused,
    RequestError,
    Status,
    TallystickError,
    TimedOut,
    Verify,
)
from tallystick.batches import IssueBatch
from tallystick.frame import Frame
from tallystick.opcode import Opcode
from tallystick.service import Hello, Metrics, Ping, Welcome

from . import document
from .fake import LONG, Fake, Peer, echo

TOKEN, TRID = "4895370012003478", "40010030273"
ISSUE = Issue(TOKEN, TRID)
#: A time after which a test gives up on an answer that must not come.
SHORT = 0.2


def issued(number: int) -> bytes:
    return Issue.write_reply(Issued(number.to_bytes(20, "big"), "2912"))


def number_of(reply: Issued) -> int:
    return int.from_bytes(reply.cryptogram, "big")


def setUpModule() -> None:
    logging.getLogger("tallystick").setLevel(logging.ERROR)


class Case(unittest.TestCase):
    def engine(self, fake: Fake, **more: Any) -> Engine:
        engine = tallystick.connect(fake.path, **{"timeout": LONG, **more})
        self.addCleanup(engine.close, wait=False)
        return engine

    def error(self, future: "Future[Any]") -> BaseException:
        error = future.exception(LONG)
        assert error is not None
        return error


class Answers(Case):
    def test_answers_in_any_order_reach_who_asked(self) -> None:
        def script(peer: Peer) -> None:
            peer.welcome()
            requests = peer.requests(50)
            random.Random(1).shuffle(requests)
            for request in requests:
                peer.reply(request, issued(request.id))
            peer.next()

        with Fake(script) as fake:
            futures = self.engine(fake).submit_all([(ISSUE, None)] * 50)
            numbers = [number_of(future.result(LONG)) for future in futures]
            self.assertEqual(numbers, list(range(2, 52)))

    def test_a_byte_at_a_time(self) -> None:
        def script(peer: Peer) -> None:
            hello = peer.next()
            assert hello is not None
            welcome = Frame(hello.opcode, 0, 1, Hello.write_reply(Welcome(1, 65_536, 8, "fake")))
            for byte in welcome.encode():
                peer.send(bytes([byte]))
            for request in peer.requests(3):
                for byte in Frame(request.opcode, 0, request.id, issued(request.id)).encode():
                    peer.send(bytes([byte]))
            peer.next()

        with Fake(script) as fake:
            engine = self.engine(fake)
            futures = engine.submit_all([(ISSUE, None)] * 3)
            self.assertEqual([number_of(future.result(LONG)) for future in futures], [2, 3, 4])
            engine.close()

    def test_many_threads_get_their_own_answers(self) -> None:
        def script(peer: Peer) -> None:
            peer.welcome(in_flight=7)
            while True:
                request = peer.next()
                if request is None:
                    return
                ((asked, _), key) = (Issue.decode(request.body), None)
                peer.reply(request, issued(asked.transaction.amount or 0))

        with Fake(script) as fake:
            engine = self.engine(fake)
            wrong: List[Any] = []

            def ask(of: int) -> None:
                for at in range(of * 1000 + 1, of * 1000 + 101):
                    of_it = tallystick.Transaction(amount=at, currency=356)
                    answer = number_of(engine.issue(TOKEN, TRID, of_it))
                    if answer != at:
                        wrong.append((at, answer))

            threads = [threading.Thread(target=ask, args=(of,)) for of in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])
            engine.close()
            ids = [frame.id for frame in fake.peers[0].seen]
            self.assertEqual(ids, list(range(1, 802)))

    def test_no_more_is_in_flight_than_was_agreed_on(self) -> None:
        most: List[int] = []

        def script(peer: Peer) -> None:
            peer.welcome(in_flight=3)
            for _ in range(4):
                requests = peer.requests(3)
                # A fourth would be here by now, or come in while this one waits for it.
                peer.stream.settimeout(SHORT)
                try:
                    peer.next()
                    most.append(4)
                except socket.timeout:
                    most.append(len(requests))
                peer.stream.settimeout(LONG)
                for request in requests:
                    peer.reply(request, issued(1))
            peer.next()

        with Fake(script) as fake:
            engine = self.engine(fake)
            futures = engine.submit_all([(ISSUE, None)] * 12)
            wait(futures, LONG)
            self.assertEqual(most, [3, 3, 3, 3])
            engine.close()

    def test_a_refusal_is_told_with_its_status_and_the_daemons_words(self) -> None:
        text = b"\xa1\x01\x78\x21" + b"pan: the PAN fails the Luhn check"
        cases = [
            (0x0203, text, Status.PAN_LUHN, "pan: the PAN fails the Luhn check", False),
            (0x050D, b"", Status.REPLAYED, None, False),
            (0x0602, b"", Status.STOPPED, None, True),
            (0x0619, b"", Status.UNRECORDED, None, True),
            (0x0601, b"\xff\xff", Status.BUSY, None, False),
            (0x7777, b"", None, None, False),
        ]

        def script(peer: Peer) -> None:
            peer.welcome()
            for code, body, *_ in cases:
                (request,) = peer.requests(1)
                peer.reply(request, body, code)
            peer.next()

        with Fake(script) as fake:
            engine = self.engine(fake)
            for code, _, status, words, is_unknown in cases:
                with self.assertRaises(Refused) as caught:
                    engine.issue(TOKEN, TRID, key="k")
                refused = caught.exception
                self.assertEqual((refused.code, refused.status, refused.text), (code, status, words))
                self.assertEqual(refused.outcome_unknown, is_unknown)
                self.assertIn(words or refused.name, str(refused))
            engine.close()

    def test_what_cannot_be_sent_is_told_before_it_is(self) -> None:
        with Fake(echo) as fake:
            engine = self.engine(fake, frame=4096, in_flight=4)
            for wrong in (
                lambda: engine.call(Ping(), key="k"),
                lambda: engine.issue(TOKEN, TRID, key=""),
                lambda: engine.issue(TOKEN, TRID, key="k" * 65),
                lambda: engine.issue("1", TRID),
                lambda: engine.issue(TOKEN, TRID, tallystick.Transaction(amount=1)),
                lambda: engine.issue(TOKEN, TRID, tallystick.Transaction(merchant="")),
                lambda: engine.issue_batch([]),
                lambda: engine.issue_batch([(ISSUE, None)] * 1025),
                lambda: engine.submit_all([(ISSUE, "k"), (ISSUE, "k" * 65)]),
            ):
                self.assertRaises(RequestError, wrong)
            engine.ping()
            self.assertEqual([frame.opcode for frame in fake.peers[0].seen], [1, 2])
            engine.close()

    def test_a_body_past_the_largest_frame_is_told(self) -> None:
        def script(peer: Peer) -> None:
            peer.welcome(frame=4096)
            (request,) = peer.requests(1)
            peer.reply(request)
            peer.next()

        with Fake(script) as fake:
            engine = self.engine(fake)
            self.assertRaises(RequestError, engine.issue_batch, [(ISSUE, None)] * 1000)
            engine.ping()
            engine.close()


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


class Lost(Case):
    def test_what_has_a_key_is_asked_again_with_the_same_bytes_and_the_rest_is_told(self) -> None:
        def dies(peer: Peer) -> None:
            peer.welcome()
            peer.requests(4)

        def serves(peer: Peer) -> None:
            peer.welcome()
            for request in peer.requests(3):
                peer.reply(request, issued(request.id))
            peer.next()

        with Fake(dies, serves) as fake:
            engine = self.engine(fake)
            requests = [(ISSUE, "a"), (ISSUE, None), (ISSUE, "b"), (ISSUE, "c")]
            futures = engine.submit_all(requests)
            self.assertEqual([number_of(futures[at].result(LONG)) for at in (0, 2, 3)], [2, 3, 4])
            error = self.error(futures[1])
            self.assertIs(type(error), ConnectionLost)
            self.assertTrue(getattr(error, "outcome_unknown"))
            engine.close()
            first, second = fake.peers
            again = [first.seen[at].body for at in (1, 3, 4)]
            self.assertEqual([frame.body for frame in second.seen[1:]], again)
            self.assertEqual([frame.id for frame in second.seen], [1, 2, 3, 4])

    def test_a_batch_is_asked_again_if_every_item_has_a_key(self) -> None:
        def dies(peer: Peer) -> None:
            peer.welcome()
            peer.requests(2)

        def serves(peer: Peer) -> None:
            peer.welcome()
            (request,) = peer.requests(1)
            refused = struct.pack(">HH", 0x0610, 0)
            peer.reply(request, struct.pack(">H", 2) + refused + struct.pack(">HH", 0x050D, 0))
            peer.next()

        with Fake(dies, serves) as fake:
            engine = self.engine(fake)
            keyed = engine.submit(IssueBatch([(ISSUE, "a"), (ISSUE, "b")]))
            other = engine.submit(IssueBatch([(ISSUE, "a"), (ISSUE, None)]))
            sealed, replayed = keyed.result(LONG)
            # `sealed` is said before anything is looked at, so it tells nothing of the first time.
            assert isinstance(sealed, Refused) and isinstance(replayed, Refused)
            self.assertEqual((sealed.outcome_unknown, replayed.outcome_unknown), (True, False))
            self.assertIs(type(self.error(other)), ConnectionLost)
            engine.close()

    def test_a_refusal_to_a_second_asking_does_not_always_tell_of_the_first(self) -> None:
        cases = [
            (Status.SEALED, True),
            (Status.BUSY, True),
            (Status.RATE_LIMITED, True),
            (Status.ROLE_MISSING, True),
            (Status.STORAGE_FULL, True),
            (Status.REPLAYED, False),
            (Status.REFUSED, False),
            (Status.IDEMPOTENCY_CONFLICT, False),
            (Status.TOKEN_SUSPENDED, False),
        ]

        def dies(peer: Peer) -> None:
            peer.welcome()
            peer.requests(len(cases))

        def serves(peer: Peer) -> None:
            peer.welcome()
            for request, (status, _) in zip(peer.requests(len(cases)), cases):
                peer.reply(request, b"", status)
            peer.next()

        with Fake(dies, serves) as fake:
            engine = self.engine(fake)
            verify = Verify(TOKEN, TRID, "2912", bytes(20))
            futures = engine.submit_all([(verify, "k")] * len(cases))
            for future, (status, is_unknown) in zip(futures, cases):
                error = self.error(future)
                assert isinstance(error, Refused)
                self.assertEqual((error.status, error.outcome_unknown), (status, is_unknown))
            engine.close()

    def test_a_daemon_that_is_busy_after_a_start_is_asked_until_it_is_not(self) -> None:
        def dies(peer: Peer) -> None:
            peer.welcome()
            peer.requests(1)

        def is_busy(peer: Peer) -> None:
            peer.send(Frame(1, Status.BUSY, 0, b"").encode())

        with Fake(dies, is_busy, is_busy, echo) as fake:
            engine = self.engine(fake)
            future = engine.submit(ISSUE, key="k")
            # A PING's reply is no cryptogram; but it came.
            self.assertIsInstance(self.error(future), ProtocolError)
            self.assertEqual(len(fake.peers), 4)
            engine.close()

    def test_a_daemon_that_does_not_know_us_any_more_is_believed(self) -> None:
        def dies(peer: Peer) -> None:
            peer.welcome()
            peer.requests(1)

        with Fake(dies, lambda peer: peer.send(Frame(1, Status.PEER_UNKNOWN, 0, b"").encode())) as fake:
            engine = self.engine(fake)
            error = self.error(engine.submit(ISSUE, key="k"))
            assert isinstance(error, Refused)
            self.assertEqual((error.status, error.outcome_unknown), (Status.PEER_UNKNOWN, True))

    def test_without_reconnecting_everything_is_told(self) -> None:
        def dies(peer: Peer) -> None:
            peer.welcome()
            peer.requests(1)

        with Fake(dies, echo) as fake:
            engine = self.engine(fake, reconnect=False)
            error = self.error(engine.submit(ISSUE, key="k"))
            self.assertIs(type(error), ConnectionLost)
            with self.assertRaises(ConnectionLost) as caught:
                engine.ping()
            self.assertFalse(caught.exception.outcome_unknown)
            self.assertEqual(len(fake.peers), 1)

    def test_an_answer_that_is_late_is_dropped_and_the_connection_goes_on(self) -> None:
        late = threading.Event()

        def script(peer: Peer) -> None:
            peer.welcome()
            (first,) = peer.requests(1)
            late.wait(LONG)
            peer.reply(first, issued(1))
            (second,) = peer.requests(1)
            peer.reply(second, issued(2))
            peer.next()

        with Fake(script) as fake:
            engine = self.engine(fake)
            with self.assertRaises(TimedOut) as caught:
                engine.call(ISSUE, key="k", timeout=SHORT)
            self.assertTrue(caught.exception.outcome_unknown)
            self.assertIsInstance(caught.exception, TimeoutError)
            late.set()
            self.assertEqual(number_of(engine.issue(TOKEN, TRID)), 2)
            engine.close()
            self.assertEqual(len(fake.peers), 1)

    def test_what_never_reached_a_daemon_is_told_as_not_done(self) -> None:
        def dies(peer: Peer) -> None:
            peer.welcome()
            peer.requests(1)

        with Fake(dies, lambda peer: None) as fake:
            engine = self.engine(fake)
            self.assertIs(type(self.error(engine.submit(ISSUE))), ConnectionLost)
            with self.assertRaises(TimedOut) as caught:
                engine.call(ISSUE, timeout=SHORT)
            self.assertFalse(caught.exception.outcome_unknown)

    def test_a_full_queue_is_told(self) -> None:
        def script(peer: Peer) -> None:
            peer.welcome(in_flight=2)
            peer.requests(10)

        with Fake(script) as fake:
            engine = self.engine(fake, in_flight=2)
            held = engine.submit_all([(ISSUE, None)] * 4)
            with self.assertRaises(TimedOut) as caught:
                engine.submit(ISSUE, timeout=SHORT)
            self.assertFalse(caught.exception.outcome_unknown)
            engine.close(wait=False)
            for future in held:
                self.assertIs(type(self.error(future)), ConnectionLost)


class Closing(Case):
    def test_closing_waits_for_what_is_under_way(self) -> None:
        def script(peer: Peer) -> None:
            peer.welcome()
            for request in peer.requests(5):
                peer.reply(request, issued(request.id))
            peer.next()

        with Fake(script) as fake:
            with tallystick.connect(fake.path, timeout=LONG) as engine:
                futures = engine.submit_all([(ISSUE, None)] * 5)
            self.assertTrue(all(future.done() for future in futures))
            self.assertEqual([number_of(future.result()) for future in futures], [2, 3, 4, 5, 6])
            with self.assertRaises(ConnectionLost) as caught:
                engine.ping()
            self.assertFalse(caught.exception.outcome_unknown)
            engine.close()

    def test_a_client_that_is_forgotten_closes_its_connection(self) -> None:
        gone = threading.Event()

        def script(peer: Peer) -> None:
            peer.welcome()
            if peer.next() is None:
                gone.set()

        with Fake(script) as fake:
            engine = tallystick.connect(fake.path, timeout=LONG)
            del engine
            self.assertTrue(gone.wait(LONG))

    def test_a_callback_may_ask(self) -> None:
        with Fake(echo) as fake:
            engine = self.engine(fake, in_flight=1)
            done: "Future[Any]" = Future()
            first = engine.submit(Ping())
            first.add_done_callback(lambda _: engine.submit(Ping()).add_done_callback(done.set_result))
            self.assertIsNone(done.result(LONG).result())
            engine.close()

    def test_another_process_is_told(self) -> None:
        with Fake(echo) as fake:
            engine = self.engine(fake)
            child = os.fork()
            if child == 0:
                try:
                    engine.ping()
                except RequestError:
                    os._exit(7)
                finally:
                    os._exit(1)
            _, status = os.waitpid(child, 0)
            self.assertEqual(os.waitstatus_to_exitcode(status), 7)
            engine.ping()
            engine.close()


if __name__ == "__main__":
    unittest.main()
