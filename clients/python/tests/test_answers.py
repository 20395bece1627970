"""Answers and refusals of a daemon that keeps the protocol, told as they should be."""

import os
import random
import socket
import threading
import unittest
from concurrent.futures import Future, wait
from typing import Any, List

import tallystick
from tallystick import ConnectionLost, Issue, Refused, RequestError, Status
from tallystick.frame import Frame
from tallystick.service import Hello, Ping, Welcome

from .case import ISSUE, SHORT, TOKEN, TRID, Case, issued, number_of
from .fake import LONG, Fake, Peer, echo


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
                asked, _ = Issue.decode(request.body)
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

    def test_a_callback_may_ask_while_the_queue_is_full(self) -> None:
        is_full = threading.Event()

        def script(peer: Peer) -> None:
            peer.welcome()
            (first,) = peer.requests(1)
            is_full.wait(LONG)
            peer.reply(first)
            for _ in range(2):
                (request,) = peer.requests(1)
                peer.reply(request)
            peer.next()

        with Fake(script) as fake:
            engine = self.engine(fake, in_flight=1)
            done: "Future[Any]" = Future()
            first = engine.submit(Ping())
            first.add_done_callback(lambda _: engine.submit(Ping()).add_done_callback(done.set_result))
            second = engine.submit(Ping())
            is_full.set()
            self.assertIsNone(second.result(LONG))
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
