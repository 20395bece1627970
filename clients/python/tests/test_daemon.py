"""Against the real daemon: every operation, and what happens when it is killed."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
import traceback
import unittest
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ClassVar, Dict, List

import tallystick
from tallystick import (
    Binding,
    Card,
    CardValue,
    CardValueKind,
    Channel,
    Channels,
    ConnectionLost,
    Engine,
    Issue,
    Issued,
    Network,
    Pan,
    Reason,
    Refused,
    ShortValue,
    Status,
    Token,
    TokenStatus,
    Transaction,
    Verify,
)
from tallystick.control import Propose

from .daemon import ANNA, BEN, DIGITS, LONG, PROGRAMS, TRID, Daemon, card, save

PAYMENT = Transaction(amount=49_900, currency=356, merchant="shop-17")
#: A component of a key, and its key check value; and of the key that both make.
COMPONENTS = [
    (bytes.fromhex("0123456789abcdeffedcba9876543210"), "08d7b4"),
    (bytes.fromhex("1032547698badcfe0f1e2d3c4b5a6978"), "9b07f3"),
]
CHECK_VALUE = "a0b99e"
EMV_DATA = bytes.fromhex(
    "9f02060000000499009f03060000000000009f1a02035695050000000000"
    "5f2a0203569a032611219c01009f37041a2b3c4d820219809f100706010a03a00000"
)


@unittest.skipUnless(PROGRAMS, "TALLYSTICK_PROGRAMS names no directory with tally and tallyd")
class Case(unittest.TestCase):
    daemon: ClassVar[Daemon]
    engine: ClassVar[Engine]

    @classmethod
    def setUpClass(cls) -> None:
        logging.getLogger("tallystick").setLevel(logging.ERROR)
        cls.daemon = Daemon()
        cls.engine = cls.daemon.connect()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.engine.close()
        cls.daemon.__exit__(None, None, None)

    def refused(self, status: Status, call: Any, *arguments: Any, **more: Any) -> Refused:
        with self.assertRaises(Refused) as caught:
            call(*arguments, **more)
        self.assertEqual(caught.exception.status, status)
        return caught.exception


class Payments(Case):
    def test_a_cryptogram_is_accepted_once(self) -> None:
        token = save(self.engine)
        issued = self.engine.issue(token.token, TRID, PAYMENT)
        self.assertEqual((len(issued.cryptogram), issued.expiry), (20, token.expiry))
        presented = (token.token, TRID, token.expiry, issued.cryptogram)
        other = Transaction(amount=49_901, currency=356, merchant="shop-17")
        self.refused(Status.BAD_MAC, self.engine.verify, *presented, other)
        self.assertEqual(self.engine.verify(*presented, PAYMENT).atc, 1)
        refused = self.refused(Status.REPLAYED, self.engine.verify, *presented, PAYMENT)
        self.assertFalse(refused.outcome_unknown)
        self.refused(Status.REPLAYED, self.engine.verify, *presented, PAYMENT, key="another")

    def test_a_retry_gives_the_same_and_a_changed_one_is_refused(self) -> None:
        token = save(self.engine)
        first = self.engine.issue(token.token, TRID, PAYMENT, key="order-1")
        self.assertEqual(self.engine.issue(token.token, TRID, PAYMENT, key="order-1"), first)
        self.assertEqual(self.engine.issue(token.token, TRID, PAYMENT, key=b"order-1"), first)
        self.refused(Status.IDEMPOTENCY_CONFLICT, self.engine.issue, token.token, TRID, key="order-1")
        presented = (token.token, TRID, token.expiry, first.cryptogram, PAYMENT)
        verified = self.engine.verify(*presented, key="order-1")
        self.assertEqual(self.engine.verify(*presented, key="order-1"), verified)
        self.refused(Status.REPLAYED, self.engine.verify, *presented)

    def test_everything_that_a_payment_may_have_is_bound(self) -> None:
        token = save(self.engine)
        for of in (
            Transaction(),
            Transaction(amount=0, currency=999),
            Transaction(amount=(1 << 64) - 1, currency=1, merchant="m" * 255),
            Transaction(unpredictable_number=0xDEADBEEF, channel=Channel.CONTACTLESS),
            Transaction(merchant="shop", merchant_initiated=True, channel=Channel.RECURRING),
        ):
            issued = self.engine.issue(token.token, TRID, of)
            self.assertEqual(issued.cryptogram[0] & 15, of.binding)
            self.engine.verify(token.token, TRID, token.expiry, issued.cryptogram, of)

    def test_a_short_value_pays_once(self) -> None:
        token = save(self.engine)
        of = Transaction(unpredictable_number=7)
        issued = self.engine.issue_short(token.token, TRID, of)
        presented = (token.token, TRID, token.expiry)
        digits = int(issued.value.expose())
        wrong = ShortValue(f"{(digits + 1) % 1000:03}")
        self.refused(Status.SHORT_MISMATCH, self.engine.verify_short, *presented, wrong, of)
        self.assertEqual(self.engine.verify_short(*presented, issued.value, of).atc, issued.atc)
        with self.assertRaises(Refused):
            self.engine.verify_short(*presented, issued.value, of)

    def test_a_batch_has_an_answer_an_item(self) -> None:
        token, unknown = save(self.engine), "4895370000000000"
        asked = [(Issue(token.token, TRID, PAYMENT), f"batch-{at}") for at in range(100)]
        answers = self.engine.issue_batch([*asked, (Issue(unknown, TRID), None)])
        issued = [answer for answer in answers if isinstance(answer, Issued)]
        self.assertEqual((len(issued), len({one.cryptogram for one in issued})), (100, 100))
        assert isinstance(answers[-1], Refused)
        self.assertIs(answers[-1].status, Status.UNKNOWN_TOKEN)
        self.assertEqual(self.engine.issue_batch(asked), issued)
        presented = [
            (Verify(token.token, TRID, token.expiry, one.cryptogram, PAYMENT), None) for one in issued[-60:]
        ]
        verified = self.engine.verify_batch(presented)
        self.assertEqual([getattr(one, "atc") for one in verified], list(range(41, 101)))
        again = self.engine.verify_batch(presented)
        self.assertTrue(all(isinstance(one, Refused) and one.status is Status.REPLAYED for one in again))

    def test_many_requests_are_under_way_at_once(self) -> None:
        token = save(self.engine)
        futures = [self.engine.submit(Issue(token.token, TRID)) for _ in range(3000)]
        futures += self.engine.submit_all([(Issue(token.token, TRID), None)] * 3000)
        cryptograms = {future.result(LONG).cryptogram for future in futures}
        self.assertEqual(len(cryptograms), 6000)

    def test_large_frames_both_ways_do_not_stop_each_other(self) -> None:
        """Megabytes under way in both directions, more than any socket's buffer."""
        token = save(self.engine)
        items = [(Issue(token.token, TRID, Transaction(merchant="m" * 60)), None)] * 600
        futures = [self.engine.submit(tallystick.IssueBatch(items)) for _ in range(60)]
        self.assertTrue(all(len(future.result(LONG)) == 600 for future in futures))


class Tokens(Case):
    def test_a_tokens_life(self) -> None:
        token = save(
            self.engine,
            merchant="shop-17",
            channels=Channels.ONLINE | Channels.RECURRING,
            demands=Binding.MERCHANT,
            providers=["visa", "issuer"],
            key="save-1",
        )
        self.assertEqual((token.status, token.network), (TokenStatus.ACTIVE, Network.VISA))
        self.assertEqual((token.card_last_four, token.card_expiry, token.pan_length), ("9015", "4912", 16))
        self.assertEqual((token.merchant, token.channels), ("shop-17", Channels.ONLINE | Channels.RECURRING))
        self.assertEqual(token.demands, Binding.MERCHANT)
        self.assertEqual([provider.name for provider in token.providers], ["visa", "issuer"])
        self.assertEqual(self.engine.show(token.token), token)
        self.refused(Status.DOMAIN_MERCHANT, self.engine.issue, token.token, TRID, Transaction(merchant="else"))
        self.assertEqual(self.engine.suspend(token.token, key="s").status, TokenStatus.SUSPENDED)
        self.refused(Status.TOKEN_SUSPENDED, self.engine.issue, token.token, TRID, PAYMENT)
        self.assertEqual(self.engine.resume(token.token).status, TokenStatus.ACTIVE)
        one = self.engine.deactivate(token.token, Reason.DEACTIVATED_BY_BANK, provider="issuer")
        self.assertEqual(one.providers[1].reason, Reason.DEACTIVATED_BY_BANK)
        self.assertEqual(self.engine.renew(token.token, "5001").expiry, "5001")
        self.assertEqual(self.engine.detokenize(token.token), Card(Pan(DIGITS), "5001"))
        ended = self.engine.deactivate(token.token, Reason.REQUESTED)
        self.assertEqual((ended.status, ended.reason), (TokenStatus.DEACTIVATED, Reason.REQUESTED))
        self.refused(Status.TOKEN_DEACTIVATED, self.engine.resume, token.token)

    def test_what_is_asked_of_a_pan(self) -> None:
        token = save(self.engine)
        pan = Pan(DIGITS)
        self.assertEqual((self.engine.par(pan), self.engine.fingerprint(pan)), (token.par, token.fingerprint))
        new = Pan("5555555555554444")
        self.assertEqual(self.engine.link_par(new, token.token, key="l"), token.par)
        self.assertEqual(self.engine.par(new), token.par)

    def test_all_tokens_of_a_requestor_page_by_page(self) -> None:
        trid = "40010000777"
        of = ("bank", "pay_1")
        made = [
            self.engine.provision(
                card(), trid, consent=True, authentication_provider=of[0], authentication_reference=of[1]
            )
            for _ in range(5)
        ]
        page = self.engine.list(trid, limit=2)
        self.assertEqual(page.tokens, tuple(made[:2]))
        self.assertEqual(self.engine.list(trid, after=page.next, limit=2).tokens, tuple(made[2:4]))
        self.assertEqual(list(self.engine.tokens(trid)), made)

    def test_a_held_card_is_saved_and_forgotten(self) -> None:
        held = self.engine.hold_card(card(), 60)
        self.assertEqual((held.iin, held.last_four, held.network), ("492912", "9015", Network.VISA))
        token = save(self.engine, card=held)
        self.assertEqual((token.fingerprint, token.par), (held.fingerprint, held.par))
        self.assertEqual(save(self.engine, card=held.handle).fingerprint, held.fingerprint)
        self.engine.release_card(held.handle)
        self.refused(Status.UNKNOWN_HOLD, self.engine.release_card, held.handle)

    def test_a_card_that_a_browser_encrypted(self) -> None:
        session = self.engine.open_entry(60)
        entered = self.engine.enter_card(session.session, self.encrypted(session.public_key), 60)
        self.assertEqual((entered.last_four, entered.cvc_given), ("9015", True))
        self.assertEqual(save(self.engine, card=entered).par, self.engine.par(Pan(DIGITS)))
        self.refused(Status.UNKNOWN_ENTRY, self.engine.close_entry, session.session)
        other = self.engine.open_entry(60)
        self.refused(Status.ENTRY_REFUSED, self.engine.enter_card, other.session, bytes(256), 60)
        self.engine.close_entry(other.session)

    def encrypted(self, public_key: bytes) -> bytes:
        """As a browser does it: RSA-OAEP with SHA-256, by the command line of OpenSSL."""
        path = self.daemon.state / "public.der"
        path.write_bytes(public_key)
        plain = {"number": DIGITS, "expiryMonth": "12", "expiryYear": "49", "cvc": "123"}
        command = ["openssl", "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", str(path)]
        for option in ("rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"):
            command += ["-pkeyopt", option]
        return subprocess.run(command, input=json.dumps(plain).encode(), check=True, capture_output=True).stdout


class Records(logging.Handler):
    def __init__(self, records: List[logging.LogRecord]) -> None:
        super().__init__()
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


class Secrets(Case):
    def test_no_refusal_repeats_a_pan(self) -> None:
        digits = "4111111111111112"
        records: List[logging.LogRecord] = []
        handler = Records(records)
        logging.getLogger().addHandler(handler)
        self.addCleanup(logging.getLogger().removeHandler, handler)
        for call in (
            lambda: save(self.engine, card=card(digits)),
            lambda: self.engine.par(Pan(digits)),
            lambda: self.engine.hold_card(card(digits), 60),
        ):
            with self.assertRaises(Refused) as caught:
                call()
            error = caught.exception
            self.assertIs(error.status, Status.PAN_LUHN)
            told = "".join(traceback.format_exception(type(error), error, error.__traceback__))
            self.assertIn("pan: ", told)
            self.assertNotIn(digits, told + repr(error))
        self.assertNotIn(digits, "".join(record.getMessage() for record in records))
        self.assertNotIn(digits, self.daemon.log())


class Admins(Case):
    def test_what_is_served_on_the_admin_socket(self) -> None:
        self.refused(Status.ADMIN_SOCKET_ONLY, self.engine.call, tallystick.service.ShowReport())
        with self.daemon.admin() as admin:
            token = save(admin)
            report = admin.status()
            self.assertEqual((report.health, report.tokens > 0, report.dumpable), ("serving", True, False))
            self.assertIn("token-derivation", [key.purpose for key in report.keys])
            self.assertTrue(admin.metrics().endswith("# EOF\n"))
            resealed = admin.reseal()
            self.assertEqual((resealed.resealed, resealed.unopened, resealed.next), (0, 0, None))
            self.assertEqual(admin.clear_short_lock(token.token, key="c"), token)
            begun = admin.backup_begin()
            self.assertEqual(begun.epoch, report.epoch)
            self.assertGreater(sum(map(len, admin.backup_pieces())), 1000)
            self.refused(Status.NO_BACKUP, next, admin.backup_pieces())

    def test_sealing_and_unsealing(self) -> None:
        with self.daemon.admin() as admin:
            token = save(admin)
            self.assertFalse(admin.custody().sealed)
            self.assertTrue(admin.seal().sealed)
            self.refused(Status.SEALED, self.engine.issue, token.token, TRID)
            self.refused(Status.OPENER_WRONG, admin.unseal, passphrase=b"another")
            self.refused(Status.OPENER_UNFIT, admin.unseal, wrapping_key=bytes(32))
            self.assertEqual(admin.forget().given, ())
            self.assertFalse(admin.unseal(passphrase=self.daemon.passphrase).sealed)
            self.engine.issue(token.token, TRID)

    def test_what_two_admins_agree_on(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("NOT PROVEN: two admins are two users, which takes root")
        for label, purpose in (("imk-1", "emv-issuer-master"), ("cvk-1", "card-verification")):
            self.assemble(label, purpose)
        with self.daemon.admin() as admin:
            imported = admin.status().imported_keys or ()
            self.assertEqual([key.label for key in imported], ["imk-1", "cvk-1"])
            self.assertEqual(imported[0].key_check_value.lower(), CHECK_VALUE)
        self.emv()
        self.card_values()
        self.everything_is_shown()

    def assemble(self, label: str, purpose: str) -> None:
        with self.daemon.admin_as(ANNA) as anna, self.daemon.admin_as(BEN) as ben:
            wanted = Propose(
                "assemble_key",
                purpose=purpose,
                label=label,
                algorithm="tdes-2",
                components=2,
                key_check_value=CHECK_VALUE,
            )
            proposal = anna.propose(wanted)
            self.assertEqual([one.digest for one in ben.proposals()], [proposal.digest])
            self.refused(Status.PROPOSAL_OWN, anna.approve, proposal.digest)
            self.refused(Status.PROPOSAL_OPEN, anna.import_key, proposal.digest)
            self.assertEqual(ben.approve(proposal.digest).approved_by, "ben")
            for admin, (component, check_value) in zip((anna, ben), COMPONENTS):
                given = admin.give_component(proposal.digest, component, check_value)
            self.assertEqual(given.components_given, 2)
            self.assertEqual(anna.import_key(proposal.digest).label, label)

    def emv(self) -> None:
        of = {"imported_key": "imk-1", "method": "visa-cvn10"}
        pan = Pan(DIGITS)
        issued = self.engine.emv_issue(pan, emv_data=EMV_DATA, key="e", **of)
        self.assertEqual(self.engine.emv_issue(pan, emv_data=EMV_DATA, key="e", **of), issued)
        self.assertEqual((issued.atc, len(issued.cryptogram)), (1, 8))
        data = EMV_DATA + bytes.fromhex("9f36020001")
        answer = {"emv_data": data, "cryptogram": issued.cryptogram, "response_code": b"00", **of}
        verified = self.engine.emv_verify(pan, **answer)  # type: ignore[arg-type]
        arpc = self.engine.emv_arpc(pan, **answer).arpc  # type: ignore[arg-type]
        self.assertEqual((verified.atc, verified.arpc), (1, arpc))
        self.refused(Status.REPLAYED, self.engine.emv_verify, pan, **answer)

    def card_values(self) -> None:
        value = self.engine.make_card_value(card(), imported_key="cvk-1", kind=CardValueKind.CVV2)
        right = {"imported_key": "cvk-1", "kind": CardValueKind.CVV2}
        self.engine.verify_card_value(card(), value, key="v", **right)  # type: ignore[arg-type]
        wrong = CardValue(f"{(int(value.expose()) + 1) % 1000:03}")
        self.refused(Status.CARD_VALUE_MISMATCH, self.engine.verify_card_value, card(), wrong, **right)

    def everything_is_shown(self) -> None:
        save(self.engine)
        with self.daemon.admin_as(ANNA) as anna, self.daemon.admin_as(BEN) as ben:
            proposal = anna.propose(Propose("detokenize_all"))
            ben.approve(proposal.digest)
            shown = anna.detokenize_all(proposal.digest)
            self.assertGreater(len(shown.cards), 0)
            self.assertTrue(all(one.pan == Pan(DIGITS) for one in shown.cards))
            self.assertNotIn(DIGITS, repr(shown))
            other = anna.propose(Propose("detokenize_all"))
            self.assertEqual(ben.withdraw(other.digest).digest, other.digest)
            self.refused(Status.PROPOSAL_UNKNOWN, ben.withdraw, other.digest)


class Killed(Case):
    """SIGKILL in the middle: what has a key is asked again by itself, and done once."""

    def test_issues_under_way_when_the_daemon_is_killed(self) -> None:
        engine, token = self.daemon.connect(), save(self.engine)
        futures: Dict[str, "Future[Issued]"] = {}
        for life in range(4):
            self.work_until_killed(engine, token, f"life-{life}", futures)
        issued = {key: future.result(LONG) for key, future in futures.items()}
        # Asked once more on a connection of its own: the same bytes, and no counter twice.
        with self.daemon.connect() as other:
            items = list(issued.items())
            asked = other.submit_all([(Issue(token.token, TRID, PAYMENT), key) for key, _ in items])
            self.assertEqual([future.result(LONG) for future in asked], [reply for _, reply in items])
        counters = {one.cryptogram[2:6] for one in issued.values()}
        self.assertEqual(len(counters), len(issued))
        engine.close()

    def work_until_killed(
        self, engine: Engine, token: Token, life: str, futures: Dict[str, "Future[Issued]"]
    ) -> None:
        """Issues until the daemon is dead, which it is in the middle of them."""
        is_killed = threading.Event()
        ours: Dict[str, "Future[Issued]"] = {}

        def work() -> None:
            while not is_killed.is_set():
                keys = [f"{life}-{len(ours) + at}" for at in range(50)]
                asked = engine.submit_all([(Issue(token.token, TRID, PAYMENT), key) for key in keys])
                ours.update(zip(keys, asked))

        worker = threading.Thread(target=work)
        worker.start()
        while sum(future.done() for future in list(ours.values())) < 200:
            time.sleep(0.001)
        self.daemon.kill()
        # Something is under way, if only since then.
        while all(future.done() for future in list(ours.values())):
            time.sleep(0.001)
        is_killed.set()
        # What waits for room gets it when there is a daemon again.
        self.daemon.launch()
        worker.join()
        for future in ours.values():
            future.result(LONG)
        futures.update(ours)

    def test_a_daemon_that_is_stopped_in_order_and_replaced_is_not_noticed(self) -> None:
        """It says goodbye, so that also what has no key is sent to the next: once each."""
        engine, token = self.daemon.connect(), save(self.engine)
        futures = engine.submit_all([(Issue(token.token, TRID, PAYMENT), None)] * 3000)
        futures[20].result(LONG)
        self.daemon.stop()
        self.daemon.launch()
        counters = sorted(int.from_bytes(one.result(LONG).cryptogram[2:6], "big") for one in futures)
        self.assertEqual(counters, list(range(1, 3001)))
        engine.close()

    def test_verifications_under_way_are_accepted_once(self) -> None:
        engine, token = self.daemon.connect(), save(self.engine)
        asked = [(Issue(token.token, TRID, PAYMENT), None)] * 600
        issued = [future.result(LONG) for future in engine.submit_all(asked)]
        verifies = [Verify(token.token, TRID, token.expiry, one.cryptogram, PAYMENT) for one in issued]
        futures = engine.submit_all([(verify, f"v{at}") for at, verify in enumerate(verifies)])
        futures[50].result(LONG)
        self.daemon.kill()
        self.daemon.launch()
        self.assertEqual([future.result(LONG).atc for future in futures], list(range(1, 601)))
        # Without its key each is a replay.
        for future in self.engine.submit_all([(verify, None) for verify in verifies]):
            error = future.exception(LONG)
            assert isinstance(error, Refused)
            self.assertIn(error.status, (Status.REPLAYED, Status.BEHIND_WINDOW))
        engine.close()

    def test_what_has_no_key_is_told_as_unknown_or_not_done(self) -> None:
        """Each is answered, or told as lost; and whoever was told that nothing was done is right."""
        engine, token = self.daemon.connect(), save(self.engine)
        futures = engine.submit_all([(Issue(token.token, TRID, PAYMENT), None)] * 2000)
        futures[20].result(LONG)
        self.daemon.kill()
        self.daemon.launch()
        answers, unknown = 0, 0
        for future in futures:
            error = future.exception(LONG)
            if error is None:
                answers += 1
            else:
                assert isinstance(error, ConnectionLost), error
                self.assertTrue(error.outcome_unknown)
                unknown += 1
        next_counter = int.from_bytes(self.engine.issue(token.token, TRID).cryptogram[2:6], "big")
        self.assertLessEqual(answers, next_counter - 1)
        self.assertLessEqual(next_counter - 1, answers + unknown)
        engine.close()


class Documented(Case):
    """What the reader is told to try."""

    HERE = Path(__file__).parents[1]

    def test_the_first_use_in_the_readme(self) -> None:
        text = (self.HERE / "README.md").read_text(encoding="utf-8")
        code = text.split("```python\n")[1].split("```")[0]
        path = "/run/tallyd/tallyd.sock"
        self.assertEqual(code.count(path), 1)
        told = self.run_python("-c", code.replace(path, str(self.daemon.path)))
        self.assertEqual(told.splitlines()[1:], ["accepted, counter 1", "refused: replayed"])

    def test_the_example(self) -> None:
        told = self.run_python(str(self.HERE / "examples" / "pay.py"), str(self.daemon.path))
        self.assertEqual(told.splitlines()[-1], "all as it should be")
        self.assertNotIn(DIGITS[:12], told)

    def run_python(self, *arguments: str) -> str:
        command = [sys.executable, "-W", "error", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONG)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout


if __name__ == "__main__":
    unittest.main()
