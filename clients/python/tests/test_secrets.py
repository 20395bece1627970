"""Nothing shows a PAN, a card verification value or what opens the keyring."""

import copy
import dataclasses
import pickle
import unittest
from typing import Any, List

from tallystick import Card, CardValue, Pan, RequestError, ShortValue
from tallystick.body import Malformed, decode
from tallystick.cards import EnterCard, HoldCard, MakeCardValue, VerifyCardValue
from tallystick.control import CardOf, Cards, GiveComponent, KeyBlock, Propose, Unseal
from tallystick.frame import Frame
from tallystick.payments import IssuedShort, VerifyShort
from tallystick.tokens import LinkPar, Provision
from tallystick.values import CardValueKind

DIGITS = "4111111111111111"
PAN = Pan(DIGITS)


class Secrets(unittest.TestCase):
    def shown(self, thing: Any) -> List[str]:
        return [repr(thing), str(thing), f"{thing}", "%s %r" % (thing, thing), repr([thing]), repr({"k": thing})]

    def test_no_text_of_a_message_has_a_secret(self) -> None:
        who = dict(consent=True, authentication_provider="b", authentication_reference="r")
        card = Card(PAN, "4912")
        things: List[Any] = [
            PAN,
            card,
            Provision("40010000001", pan=PAN, expiry="4912", **who),  # type: ignore[arg-type]
            LinkPar(PAN, "4000000000000002"),
            HoldCard(PAN, "4912", 60),
            MakeCardValue(PAN, "4912", "cvk-1", CardValueKind.CVV2),
            Cards((CardOf("4000000000000002", PAN, "4912"),), 0, 1),
            dataclasses.asdict(card),
            copy.deepcopy(card),
        ]
        for thing in things:
            for text in self.shown(thing):
                self.assertNotIn(DIGITS, text)
                self.assertNotIn(DIGITS[:12], text)
        secret = "0123456789012345"
        things = [
            CardValue("987"),
            ShortValue("987"),
            VerifyCardValue(PAN, "4912", "cvk-1", CardValueKind.CVV2, CardValue("987")),
            VerifyShort("4000000000000002", "40010000001", "4912", ShortValue("987")),
            IssuedShort(1, "4912", ShortValue("987")),
            Unseal(share=secret + "987"),
            Unseal(passphrase=b"987" + secret.encode()),
            Unseal(wrapping_key=b"987" + secret.encode()),
            GiveComponent(b"987" + secret.encode(), b"d", "45438a"),
            Propose("import_key", key_block=secret + "987"),
            KeyBlock(secret + "987"),
            EnterCard(b"s", b"987" + secret.encode(), 60),
            Frame(1, 0, 1, b"987" + secret.encode()),
        ]
        for thing in things:
            for text in self.shown(thing):
                self.assertNotIn("987", text)
                self.assertNotIn(secret, text)

    def test_a_secret_is_not_pickled_and_not_made_of_something_else(self) -> None:
        self.assertRaises(TypeError, pickle.dumps, PAN)
        self.assertRaises(TypeError, hash, PAN)
        for wrong in ("411111111111111x", "41111111111", DIGITS * 2, "", "４１１１１１１１１１１１１１１１"):
            with self.assertRaises(ValueError) as caught:
                Pan(wrong)
            self.assertTrue(not wrong or wrong not in str(caught.exception))
        self.assertEqual(PAN, Pan(DIGITS))
        self.assertNotEqual(PAN, Pan("4012888881881881"))
        self.assertNotEqual(CardValue("123"), ShortValue("123"))
        self.assertEqual(PAN.expose(), DIGITS)

    def test_no_error_has_what_was_given(self) -> None:
        """Whoever puts a PAN in the wrong place does not find it in a log."""
        import tallystick.payments as payments

        for wrong in (
            payments.Issue(DIGITS + DIGITS, "40010000001"),
            payments.Issue("4000000000000002", DIGITS),
            payments.Verify("4000000000000002", "40010000001", DIGITS, bytes(20)),
            payments.Verify("4000000000000002", "40010000001", "4912", DIGITS.encode()),
            Provision(DIGITS, True, "b", "r", pan=DIGITS),  # type: ignore[arg-type]
            HoldCard(DIGITS, "4912", 60),  # type: ignore[arg-type]
            HoldCard(PAN, "4912", DIGITS),  # type: ignore[arg-type]
        ):
            with self.assertRaises(RequestError) as caught:
                wrong.bytes_of(None)
            error = caught.exception
            self.assertIsNone(error.__cause__)
            self.assertTrue(error.__suppress_context__)
            self.assertNotIn(DIGITS, repr(error) + str(error))

    def test_no_error_has_what_came(self) -> None:
        for body in (
            b"\xa2\x01" + b"\x70" + DIGITS.encode() + b"\x02\x01",
            b"\xa1\x01" + b"\x50" + DIGITS.encode(),
            b"\xa1" + b"\x70" + DIGITS.encode() + b"\x01",
            b"\xa1\x01\x71" + DIGITS.encode() + b"x",
            b"\xa1\x01\x70" + DIGITS.encode() + DIGITS.encode(),
        ):
            with self.assertRaises(Malformed) as caught:
                decode(Card, body)
            self.assertNotIn(DIGITS, repr(caught.exception) + str(caught.exception))
            self.assertTrue(caught.exception.__suppress_context__ or not caught.exception.__context__)


class Bodies(unittest.TestCase):
    def test_one_form_only(self) -> None:
        """Keys that stand twice, tags, indefinite lengths, other types of keys, what follows."""
        good = b"\xa2\x01\x6c" + b"411111111111" + b"\x02\x64" + b"4912"
        self.assertEqual(decode(Card, good).pan, Pan("411111111111"))
        pan = b"\x6c411111111111"
        for bad in (
            b"\xa3\x01" + pan + b"\x02\x644912\x02\x644912",
            b"\xbf\x01" + pan + b"\x02\x644912\xff",
            b"\xd9\xd9\xf7" + good,
            b"\xa2\x18\x01" + pan + b"\x02\x644912",
            b"\xa2\x61a" + pan + b"\x02\x644912",
            b"\xa2\x20" + pan + b"\x02\x644912",
            b"\xa2\xf5" + pan + b"\x02\x644912",
            b"\xa2\x01" + pan + b"\x02\xf6",
            b"\xa2\x01" + pan + b"\x02\x444912",
            good + b"\0",
            b"\x80",
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
            b"\x81" * 60_000,
            b"",
        ):
            self.assertRaises(Malformed, decode, Card, bad)

    def test_a_key_that_is_not_known_is_passed_over(self) -> None:
        pan = b"\x6c411111111111"
        card = decode(Card, b"\xa3\x01" + pan + b"\x02\x644912\x18\x63\x80")
        self.assertEqual(card.expiry, "4912")


if __name__ == "__main__":
    unittest.main()
