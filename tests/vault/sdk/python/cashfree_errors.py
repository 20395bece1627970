"""What is refused, by the library's own exceptions and the documented body."""

import json
import uuid

import checks
from cashfree_client import Client
from cashfree_flow import card, saved, token_card
from cashfree_pg import exceptions as raised
from checks import OTHER_VISA, VISA

EXCEPTIONS = {
    400: raised.BadRequestException,
    401: raised.UnauthorizedException,
    404: raised.NotFoundException,
}


def refused(check, what, status, call, *args, **named):
    """The exception of this status (or of one of these), with a body that tells why."""
    try:
        answer = call(*args, **named)
    except raised.ApiException as error:
        allowed = status if isinstance(status, tuple) else (status,)
        check.among(what, allowed, error.status)
        check.equal(what, EXCEPTIONS.get(error.status, raised.ApiException), type(error))
        body = json.loads(error.body)
        check.fields(what, {"message": str, "code": str, "type": str}, body)
        check.that(VISA not in error.body, what, "no card number", "one")
        return body
    check.that(False, what, status, answer)


def secrets(check, base, flow, customer, instrument):
    for client in (
        Client(base, checks.env("CF_CLIENT_ID"), "wrong"),
        Client(base, "nobody", checks.env("CF_CLIENT_SECRET")),
        Client(base, checks.env("CF_CLIENT_ID"), checks.env("CF_CLIENT_SECRET")[:-1]),
    ):
        refused(check, "wrong secret: order", 401, client.create_order, customer, 100.5)
        refused(check, "wrong secret: list", 401, client.instruments, customer)
        refused(check, "wrong secret: cryptogram", 401, client.cryptogram, customer, instrument["instrument_id"])
        refused(check, "wrong secret: delete", 401, client.delete, customer, instrument["instrument_id"])
    check.equal("still there", instrument, flow.client.instrument(customer, instrument["instrument_id"])[0])
    check.step("a wrong secret is unauthorised everywhere")


def ids(check, flow, customer, theirs):
    client, nothing = flow.client, str(uuid.uuid4())
    refused(check, "unknown order", 404, client.fetch_order, checks.some("order"))
    refused(check, "unknown payment", 404, client.payment, client.create_order(customer, 1)[0]["order_id"], 1)
    refused(check, "unknown session", (400, 404), client.pay, "session_unknown", card(VISA))
    for ident in (nothing, theirs["instrument_id"], "x" * 300, "' OR 1=1 --"):
        refused(check, "not this customer's: fetch", 404, client.instrument, customer, ident)
        refused(check, "not this customer's: cryptogram", 404, client.cryptogram, customer, ident)
        refused(check, "not this customer's: delete", 404, client.delete, customer, ident)
        session = client.create_order(customer, 1)[0]["payment_session_id"]
        refused(check, "not this customer's: pay", (400, 404), client.pay, session, saved(ident))
    check.equal("unknown customer's list", [], client.instruments(checks.some("cust"))[0])
    check.step("unknown ids, and another customer's")


def merchants(check, flow, base, customer, instrument):
    """Another merchant, with credentials of its own, sees nothing of this one's."""
    other = Client(base, checks.env("OTHER_CF_CLIENT_ID"), checks.env("OTHER_CF_CLIENT_SECRET"))
    ident = instrument["instrument_id"]
    order = flow.client.create_order(customer, 1)[0]["order_id"]
    check.equal("another merchant's customer: list", [], other.instruments(customer)[0])
    refused(check, "another merchant's: fetch", 404, other.instrument, customer, ident)
    refused(check, "another merchant's: cryptogram", 404, other.cryptogram, customer, ident)
    refused(check, "another merchant's: delete", 404, other.delete, customer, ident)
    refused(check, "another merchant's: order", 404, other.fetch_order, order)
    refused(check, "another merchant's: payments", 404, other.payments, order)
    session = other.create_order(customer, 1)[0]["payment_session_id"]
    refused(check, "another merchant's: pay", (400, 404), other.pay, session, saved(ident))
    check.equal("still there", instrument, flow.client.instrument(customer, ident)[0])
    check.step("another merchant's ids")


def cards(check, flow, customer, instrument):
    session = flow.client.create_order(customer, 1)[0]["payment_session_id"]
    good = flow.client.cryptogram(customer, instrument["instrument_id"])[0]
    for what, changed in {
        "CVV of two digits": {"card_cvv": "12"}, "CVV of five digits": {"card_cvv": "12345"},
        "CVV of letters": {"card_cvv": "abc"}, "number that fails its check digit": {"card_number": "4111111111111112"},
        "number too short": {"card_number": "411111"}, "number of letters": {"card_number": "four"},
        "month 13": {"card_expiry_mm": "13"}, "month of letters": {"card_expiry_mm": "ab"},
        "expired": {"card_expiry_yy": "20"}, "year of one digit": {"card_expiry_yy": "3"},
    }.items():
        refused(check, what, 400, flow.client.pay, session, dict(card(VISA), **changed))
    for missing in ("card_number", "card_expiry_mm", "card_expiry_yy", "card_cvv"):
        lacking = {name: value for name, value in card(VISA).items() if name != missing}
        refused(check, f"without {missing}", 400, flow.client.pay, session, lacking)
    for what, cryptogram in {
        "19 bytes": "AAAAAAAAAAAAAAAAAAAAAAAAAA==", "not base64": "!" * 28, "empty": "",
    }.items():
        how = token_card(dict(good, cryptogram=cryptogram))
        refused(check, f"cryptogram: {what}", 400, flow.client.pay, session, how)
    # None of these used the order up.
    paid = flow.client.pay(session, card(VISA))[0]
    check.equal("after all", "SUCCESS", flow.client.submit_otp(paid["cf_payment_id"], "111000")[0]["authenticate_status"])
    refused(check, "an order paid twice", (400, 409), flow.client.pay, session, card(VISA))
    check.step("cards and cryptograms that can't be")


def idempotency(check, flow, customer, instrument):
    """The same again gives the same answer and does nothing; something else is refused."""
    client, ident, reused = flow.client, instrument["instrument_id"], (409, 422)
    key = str(uuid.uuid4())
    client.cryptogram(customer, ident, key)
    query = "amount=1.00&currency=INR"
    refused(check, "one key, two amounts", reused, client.cryptogram, customer, ident, key, query=query)
    key = str(uuid.uuid4())
    order, again = (client.create_order(customer, 1, key)[0] for _ in range(2))
    check.equal("one key, one order", order, again)
    refused(check, "one key, two orders", reused, client.create_order, customer, 2, key)
    key, session = str(uuid.uuid4()), order["payment_session_id"]
    paid, again = (client.pay(session, card(VISA), key=key)[0] for _ in range(2))
    check.equal("one key, one payment", paid, again)
    check.equal("payments", 1, len(client.payments(order["order_id"])[0]))
    refused(check, "one key, two cards", reused, client.pay, session, card(OTHER_VISA), key=key)
    refused(check, "one key, consent and none", reused, client.pay, session, card(VISA), save=True, key=key)
    check.step("idempotency keys with the same request, and with another")

def run(check, flow, base, customer, instrument, theirs):
    secrets(check, base, flow, customer, instrument)
    ids(check, flow, customer, theirs)
    merchants(check, flow, base, customer, instrument)
    cards(check, flow, customer, instrument)
    idempotency(check, flow, customer, instrument)
