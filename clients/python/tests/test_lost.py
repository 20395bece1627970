"""Connections that are lost: what is asked again, what is told, and what is known then."""

import select
import struct
import threading
import unittest
from typing import List

from tallystick import ConnectionLost, ProtocolError, Refused, Status, TimedOut, Verify
from tallystick.batches import IssueBatch
from tallystick.frame import Frame
from tallystick.link import Link, Waiting
from tallystick.opcode import Opcode
from tallystick.service import Hello, Ping

from .case import ISSUE, SHORT, TOKEN, TRID, Case, issued, number_of
from .fake import LONG, Fake, Peer, echo


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

    def test_what_was_not_sent_whole_is_sent_on_the_next_connection_also_without_a_key(self) -> None:
        """More than the sockets' buffers take, so that some of it never left."""
        batch = IssueBatch([(ISSUE, None)] * 1000)
        reply = struct.pack(">H", 1000) + struct.pack(">HH", Status.SEALED, 0) * 1000

        def dies(peer: Peer) -> None:
            peer.welcome()
            peer.requests(1)

        def serves(peer: Peer) -> None:
            peer.welcome()
            while True:
                request = peer.next()
                if request is None:
                    return
                peer.reply(request, reply)

        with Fake(dies, serves) as fake:
            engine = self.engine(fake)
            futures = engine.submit_all([(batch, None)] * 100)
            errors = [future.exception(LONG) for future in futures]
            lost = [error for error in errors if error is not None]
            self.assertTrue(all(getattr(error, "outcome_unknown") for error in lost))
            # Those before are told, those behind are answered.
            self.assertEqual([error is not None for error in errors], [True] * len(lost) + [False] * (100 - len(lost)))
            self.assertTrue(1 <= len(lost) < 100, len(lost))
            engine.close()

    def test_what_the_kernel_did_not_take_is_known_not_to_be_sent(self) -> None:
        go = threading.Event()

        def script(peer: Peer) -> None:
            peer.welcome()
            go.wait(LONG)

        with Fake(script) as fake:
            link = Link(fake.path, Hello((1,), 65_536, 1024, "test"))
            link.write()
            while link.agreed is None:
                select.select([link], [], [], LONG)
                list(link.read())
            body = IssueBatch([(ISSUE, None)] * 1000).encode()
            sent: List[Waiting] = []
            while not sent or link.was_sent(sent[-1]):
                sent.append(Waiting(Ping(), body, False, 0.0))
                link.send(sent[-1])
                link.write()
            # All before the one that did not fit went whole.
            self.assertEqual([link.was_sent(one) for one in sent], [True] * (len(sent) - 1) + [False])
            self.assertGreater(len(sent), 1)
            go.set()
            link.close()

    def test_after_a_goodbye_everything_goes_to_the_next_daemon_also_without_a_key(self) -> None:
        def leaves(peer: Peer) -> None:
            peer.welcome()
            first, *_ = peer.requests(4)
            peer.reply(first, issued(99))
            peer.send(Frame(Opcode.HELLO, Status.GOING_AWAY, 0, b"").encode())

        def is_leaving(peer: Peer) -> None:
            peer.send(Frame(Opcode.HELLO, Status.GOING_AWAY, 0, b"").encode())

        def serves(peer: Peer) -> None:
            peer.welcome()
            second, third, fourth = peer.requests(3)
            peer.reply(second, issued(2))
            peer.reply(third, issued(3))
            # It is no second asking: the first was not done.
            peer.reply(fourth, b"", Status.SEALED)
            peer.next()

        with Fake(leaves, is_leaving, serves) as fake:
            engine = self.engine(fake)
            futures = engine.submit_all([(ISSUE, "a"), (ISSUE, None), (ISSUE, "b"), (ISSUE, "c")])
            self.assertEqual([number_of(future.result(LONG)) for future in futures[:3]], [99, 2, 3])
            error = self.error(futures[3])
            assert isinstance(error, Refused)
            self.assertEqual((error.status, error.outcome_unknown), (Status.SEALED, False))
            engine.close()

    def test_a_goodbye_without_another_daemon_is_told_as_not_done(self) -> None:
        def leaves(peer: Peer) -> None:
            peer.welcome()
            peer.requests(1)
            peer.send(Frame(Opcode.HELLO, Status.GOING_AWAY, 0, b"").encode())

        with Fake(leaves) as fake:
            error = self.error(self.engine(fake, reconnect=False).submit(ISSUE))
            self.assertIs(type(error), ConnectionLost)
            self.assertFalse(getattr(error, "outcome_unknown"))

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


if __name__ == "__main__":
    unittest.main()
