"""A card's first payments: saved, paid with, verified once, replayed, retried.

    python pay.py /run/tallyd/tallyd.sock
"""

import sys
import uuid

import tallystick
from tallystick import Binding, Card, Pan, Refused, Status, Transaction

TRID = "40010000001"


def main(path: str) -> None:
    # What a payment is called; with it a request can be asked again, whatever happened.
    order = f"order-{uuid.uuid4()}"
    payment = Transaction(amount=49_900, currency=356, merchant="shop-17")

    with tallystick.connect(path, name="pay.py") as engine:
        token = engine.provision(
            Card(Pan("4929123456789015"), "4912"),
            TRID,
            consent=True,
            authentication_provider="mybank",
            authentication_reference="pay_1",
            demands=Binding.AMOUNT,
            key=f"save-{order}",
        )
        print(f"saved as {token.token}, card ending {token.card_last_four}, {token.status.value}")

        issued = engine.issue(token.token, TRID, payment, key=order)
        print(f"issued {issued.cryptogram.hex()}")

        # The reply was lost, says somebody: the same key gives the same bytes.
        assert engine.issue(token.token, TRID, payment, key=order) == issued
        print("a retry is the same cryptogram")

        verified = engine.verify(token.token, TRID, token.expiry, issued.cryptogram, payment)
        print(f"accepted, counter {verified.atc}")

        try:
            engine.verify(token.token, TRID, token.expiry, issued.cryptogram, payment)
        except Refused as refused:
            # `refused` is all that a verifier learns who is no auditor.
            assert refused.status in (Status.REPLAYED, Status.REFUSED)
            print(f"once more: {refused}")
        else:
            raise AssertionError("a cryptogram was accepted twice")

        # Many at a time: all of these are under way before the first answer is in.
        futures = [
            engine.submit(tallystick.Issue(token.token, TRID, payment), key=f"{order}/{at}")
            for at in range(100)
        ]
        assert len({future.result().cryptogram for future in futures}) == 100
        print("100 at once, each another")
    print("all as it should be")


if __name__ == "__main__":
    main(sys.argv[1])
