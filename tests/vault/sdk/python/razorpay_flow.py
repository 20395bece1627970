"""The razorpay library at a base URL; payments from order to outcome."""

from typing import NamedTuple

import checks
import razorpay


class Paid(NamedTuple):
    id: str
    status: str
    read: dict


def client(base, key_id=None, secret=None):
    auth = (key_id or checks.env("RZP_KEY_ID"), secret or checks.env("RZP_KEY_SECRET"))
    return razorpay.Client(auth=auth, base_url=base)


def card(number):
    return {"number": number, "expiry_month": "12", "expiry_year": "2030", "name": "Asha Rao", "cvv": "123"}


def token_card(data, provider="cashfree", **more):
    """What pays with the transactional data of a token."""
    return {
        "number": data["token_number"], "expiry_month": f"{data['token_expiry_month']:02}",
        "expiry_year": str(data["token_expiry_year"]), "name": "Asha Rao", "tokenised": True,
        "token_provider": provider, "cryptogram_value": data["cryptogram_value"], **more,
    }


class Flow:
    def __init__(self, rzp):
        self.rzp = rzp

    def customer(self):
        unique = checks.some("c")
        return self.rzp.customer.create({
            "name": "Asha A", "email": f"{unique}@example.com", "contact": "9" + str(int(unique[1:10], 16)).zfill(9)[-9:],
            "fail_existing": "0",
        })

    def order(self, amount=10000):
        return self.rzp.order.create({"amount": amount, "currency": "INR", "receipt": checks.some("r")})

    def create(self, order, amount=10000, **how):
        return self.rzp.payment.createPaymentJson({
            "amount": amount, "currency": "INR", "order_id": order, "email": "a@example.com", "contact": "9876543210",
            "method": "card", **how,
        })

    def finish(self, amount=10000, outcome=None, **how):
        """An order paid so, and authenticated; what became of the payment."""
        made = self.create(self.order(amount)["id"], amount, **how)
        checks.visit(made["next"][0]["url"], outcome)
        read = self.rzp.payment.fetch(made["razorpay_payment_id"])
        # Captured and the status say the same.
        assert read["captured"] == (read["status"] == "captured"), read["status"]
        return Paid(read["id"], read["status"], read)

    def save(self, customer, number, **more):
        """The token of a payment that was to save the card."""
        return self.finish(customer_id=customer, save=1, card=card(number), **more)

    def tokens(self, customer):
        return self.rzp.token.all(customer)["items"]

    def tokenise(self, customer, number, payment, **more):
        return self.rzp.token.create({
            "customer_id": customer, "method": "card",
            "card": {"number": number, "expiry_month": "12", "expiry_year": "30", "name": "Asha Rao"},
            "authentication": {"provider": "razorpay", "provider_reference_id": payment}, "notes": {}, **more,
        })

    def data(self, token, **more):
        spt = token["service_provider_tokens"][0]["id"]
        return self.rzp.token.processPaymentOnAlternatePAorPG({"id": spt, **more})
