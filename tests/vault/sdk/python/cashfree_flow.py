"""Payments from order to outcome, and the kinds of card that can be sent."""

from typing import Any, NamedTuple

from cashfree_client import MAJOR

# A number up to x-api-version 2022-09-01, a string from 2023-08-01.
NUMBER = int if MAJOR == 3 else str


class Paid(NamedTuple):
    id: Any
    order: str
    status: str
    read: dict


def card(number):
    return {
        "card_number": number, "card_holder_name": "Asha Rao", "card_expiry_mm": "12", "card_expiry_yy": "30",
        "card_cvv": "123",
    }


def saved(instrument):
    return {"instrument_id": instrument}


def token_card(got):
    """What pays with a cryptogram call's answer."""
    return {
        "card_number": got["card_number"], "card_holder_name": "Asha Rao", "card_expiry_mm": got["card_expiry_mm"],
        "card_expiry_yy": got["card_expiry_yy"][-2:], "cryptogram": got["cryptogram"],
        "token_requestor_id": got["token_requestor_id"], "card_display": got["card_display"],
    }


class Flow:
    def __init__(self, client):
        self.client = client

    def finish(self, customer, amount, how, save=None, otp="111000"):
        """An order paid so; what became of the payment."""
        order, _ = self.client.create_order(customer, amount)
        paid, _ = self.client.pay(order["payment_session_id"], how, save)
        self.client.submit_otp(paid["cf_payment_id"], otp)
        read, _ = self.client.payment(order["order_id"], paid["cf_payment_id"])
        state, _ = self.client.fetch_order(order["order_id"])
        # An order is paid exactly if its payment succeeded.
        assert (state["order_status"] == "PAID") == (read["payment_status"] == "SUCCESS"), state["order_status"]
        return Paid(paid["cf_payment_id"], order["order_id"], read["payment_status"], read)
