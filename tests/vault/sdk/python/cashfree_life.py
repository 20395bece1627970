"""cashfree_pg of any version: a card's whole life, and what is refused."""

import uuid

import cashfree_errors
import checks
from cashfree_client import API_VERSION, MAJOR, VERSION, Client
from checks import DECLINED, ISSUER_SILENT, OTHER_VISA, PAR, TOKENISER_SILENT, UUID, VISA
from cashfree_flow import NUMBER, Flow, card, saved, token_card
from re import compile as like

AMOUNT = 100.5


def order_and_payment(check, flow, customer):
    """An order, its payment by card, the second factor, and what is read of both."""
    made, parsed = flow.client.create_order(customer, AMOUNT)
    expected = {
        "cf_order_id": NUMBER, "order_id": like(r"[A-Za-z0-9_-]{3,45}"), "entity": "order", "order_currency": "INR",
        "order_amount": AMOUNT, "order_status": "ACTIVE", "payment_session_id": like(r"session_[A-Za-z0-9_-]+"),
        "order_expiry_time": like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"),
        "created_at": like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"),
        "customer_details": {"customer_id": customer, "customer_phone": "9999999999"},
    }
    check.fields("order", expected, made)
    check.equal("the library's order_id", made["order_id"], parsed.order_id)
    check.step("order")

    paid, parsed = flow.client.pay(made["payment_session_id"], card(VISA))
    check.fields("pay", {
        "action": "post", "channel": "post", "payment_method": "card", "payment_amount": AMOUNT,
        "cf_payment_id": NUMBER, "data": {"url": like(r"https?://.*")},
    }, paid)
    check.equal("the library's cf_payment_id", paid["cf_payment_id"], parsed.cf_payment_id)
    sent, _ = flow.client.resend_otp(paid["cf_payment_id"])
    check.equal("resend", "RESEND_OTP", sent["action"])
    waiting, _ = flow.client.payment(made["order_id"], paid["cf_payment_id"])
    check.equal("status before the second factor", "NOT_ATTEMPTED", waiting["payment_status"])
    done, _ = flow.client.submit_otp(paid["cf_payment_id"], "111000")
    check.fields("otp", {
        "action": "SUBMIT_OTP", "cf_payment_id": paid["cf_payment_id"], "authenticate_status": "SUCCESS",
        "payment_message": str,
    }, done)
    check.step("payment by card, with second factor")

    read, parsed = flow.client.payment(made["order_id"], paid["cf_payment_id"])
    check.fields("payment", {
        "cf_payment_id": paid["cf_payment_id"], "order_id": made["order_id"], "entity": "payment", "is_captured": True,
        "order_amount": AMOUNT, "payment_amount": AMOUNT, "payment_currency": "INR", "payment_status": "SUCCESS",
        "payment_group": like("(debit|credit|prepaid)_card"),
        "payment_method": {"card": {
            "channel": "post", "card_number": "XXXXXXXXXXXX1111", "card_network": "visa",
            "card_type": like("(debit|credit|prepaid)_card"), "card_country": "IN", "card_bank_name": str,
        }},
    }, read)
    check.equal("the library's payment_status", "SUCCESS", parsed.payment_status)
    every, _ = flow.client.payments(made["order_id"])
    check.equal("payments of the order", [read], every)
    order, _ = flow.client.fetch_order(made["order_id"])
    check.equal("order_status", "PAID", order["order_status"])
    check.step("payment and order are read")


def no_consent_no_card(check, flow, customer):
    check.equal("list", [], flow.client.instruments(customer)[0])
    check.equal("status", "SUCCESS", flow.finish(customer, AMOUNT, card(VISA), save=False).status)
    check.equal("list without consent", [], flow.client.instruments(customer)[0])
    check.step("without consent nothing is saved")
    check.equal("status", "FAILED", flow.finish(customer, AMOUNT, card(VISA), save=True, otp="999999").status)
    check.equal("list after a failed second factor", [], flow.client.instruments(customer)[0])
    check.step("a failed second factor fails the payment and saves nothing")
    check.equal("status", "FAILED", flow.finish(customer, AMOUNT, card(DECLINED), save=True).status)
    check.equal("list after a refusal", [], flow.client.instruments(customer)[0])
    check.equal("status", "FAILED", flow.finish(customer, AMOUNT, card(ISSUER_SILENT), save=True).status)
    check.equal("list after the issuer's silence", [], flow.client.instruments(customer)[0])
    check.step("neither does a payment that the issuer declines or doesn't answer")
    check.equal("status", "SUCCESS", flow.finish(customer, AMOUNT, card(TOKENISER_SILENT), save=True).status)
    check.equal("list after a silent tokeniser", [], flow.client.instruments(customer)[0])
    check.step("a silent token service provider: paid, not saved")


def saves(check, flow, customer):
    """A saved instrument, as the list and the fetch show it."""
    paid = flow.finish(customer, AMOUNT, card(VISA), save=True)
    check.equal("status", "SUCCESS", paid.status)
    listed, parsed = flow.client.instruments(customer)
    check.equal("instruments", 1, len(listed))
    check.fields("instrument", {
        "customer_id": customer, "afa_reference": str(paid.id), "instrument_id": like(UUID), "instrument_type": "card",
        "instrument_uid": like("[0-9a-f]{64}"), "instrument_display": "xxxxxxxxxxxx1111", "instrument_status": "ACTIVE",
        "created_at": like(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
        "instrument_meta": {
            "card_network": "VISA", "card_bank_name": str, "card_country": "IN",
            "card_type": like("(DEBIT|CREDIT|PREPAID)_CARD"),
            "card_token_details": {"par": like(PAR), "expiry_month": like(r"\d\d"), "expiry_year": like(r"\d\d")},
        },
    }, listed[0])
    check.equal("the library's instrument_uid", listed[0]["instrument_uid"], parsed[0].instrument_uid)
    one, _ = flow.client.instrument(customer, listed[0]["instrument_id"])
    check.equal("fetched and listed", listed[0], one)
    check.step("save, list, fetch")
    return listed[0]


def same_card_again(check, flow, customer, first):
    """Another card has another PAR; the same card with another customer the same one."""
    check.equal("status", "SUCCESS", flow.finish(customer, AMOUNT, card(OTHER_VISA), save=True).status)
    other = next(i for i in flow.client.instruments(customer)[0] if i["instrument_id"] != first["instrument_id"])
    check.equal("other card", "xxxxxxxxxxxx1881", other["instrument_display"])
    par = lambda instrument: instrument["instrument_meta"]["card_token_details"]["par"]
    check.differ("par of two cards", par(first), par(other))
    neighbour = checks.some("cust")
    check.equal("status", "SUCCESS", flow.finish(neighbour, AMOUNT, card(VISA), save=True).status)
    theirs = flow.client.instruments(neighbour)[0][0]
    check.equal("par of one card", par(first), par(theirs))
    check.differ("instruments of two customers", first["instrument_id"], theirs["instrument_id"])
    check.step("PAR tells cards apart and customers not")
    return neighbour, theirs


def cryptograms(check, flow, customer, instrument):
    ident = instrument["instrument_id"]
    one, parsed = flow.client.cryptogram(customer, ident)
    details = instrument["instrument_meta"]["card_token_details"]
    check.fields("cryptogram", {
        "instrument_id": ident, "token_requestor_id": like(r"\d{11}"), "card_number": like(r"\d{16}"),
        "card_expiry_mm": details["expiry_month"], "card_expiry_yy": "20" + details["expiry_year"],
        "cryptogram": str, "card_display": "1111",
    }, one)
    check.cryptogram("cryptogram", one["cryptogram"])
    check.equal("the library's cryptogram", one["cryptogram"], parsed.cryptogram)
    check.differ("token number and card number", VISA, one["card_number"])
    check.differ("last four of token and card", "1111", one["card_number"][-4:])
    two, _ = flow.client.cryptogram(customer, ident)
    check.differ("two cryptograms", one["cryptogram"], two["cryptogram"])
    check.equal("two token numbers", one["card_number"], two["card_number"])
    key = str(uuid.uuid4())
    first, again = (flow.client.cryptogram(customer, ident, key)[0] for _ in range(2))
    check.equal("answers to one idempotency key", first, again)
    check.differ("another than before", two["cryptogram"], first["cryptogram"])
    check.step("cryptograms: canonical, each another, the same for the same idempotency key")

    check.equal("first use", "SUCCESS", flow.finish(customer, AMOUNT, token_card(one)).status)
    check.equal("second use", "FAILED", flow.finish(customer, AMOUNT, token_card(one)).status)
    forged = dict(two, cryptogram=first["cryptogram"][:10] + two["cryptogram"][10:])
    check.equal("forged", "FAILED", flow.finish(customer, AMOUNT, token_card(forged)).status)
    check.equal("out of order", "SUCCESS", flow.finish(customer, AMOUNT, token_card(first)).status)
    check.step("network token and cryptogram pay once; a replay or a forgery is declined")


def bound_amount(check, flow, customer, ident):
    query = "amount=100.50&currency=INR"
    bound = [flow.client.cryptogram(customer, ident, query=query)[0] for _ in range(2)]
    check.equal("another amount", "FAILED", flow.finish(customer, 99.5, token_card(bound[0])).status)
    check.equal("the bound amount", "SUCCESS", flow.finish(customer, AMOUNT, token_card(bound[1])).status)
    check.step("a cryptogram for an amount pays no other")


def pays_and_goes(check, flow, customer, instrument):
    ident = instrument["instrument_id"]
    paid = flow.finish(customer, AMOUNT, saved(ident))
    check.equal("status", "SUCCESS", paid.status)
    check.equal("card", "XXXXXXXXXXXX1111", paid.read["payment_method"]["card"]["card_number"])
    check.equal("with a CVV", "SUCCESS", flow.finish(customer, AMOUNT, dict(saved(ident), card_cvv="123")).status)
    check.equal("bad OTP", "FAILED", flow.finish(customer, AMOUNT, saved(ident), otp="000000").status)
    check.step("the saved instrument pays")

    held = flow.client.cryptogram(customer, ident)[0]
    key = str(uuid.uuid4())
    gone, parsed = flow.client.delete(customer, ident, key)
    check.fields("deleted", {
        "customer_id": customer, "instrument_id": ident, "instrument_uid": instrument["instrument_uid"],
        "instrument_status": like("INACTIVE" if MAJOR >= 6 else "(IN)?ACTIVE"),
    }, gone)
    check.equal("the library's instrument_id", ident, parsed.instrument_id)
    check.equal("deleted again with the same key", gone, flow.client.delete(customer, ident, key)[0])
    check.that(
        ident not in [i["instrument_id"] for i in flow.client.instruments(customer)[0]],
        "list after delete", "no deleted instrument", ident,
    )
    kept = dict(instrument, instrument_status="INACTIVE")
    check.equal("fetch of what is deleted", kept, flow.client.instrument(customer, ident)[0])
    refused = cashfree_errors.refused
    refused(check, "cryptogram of what is deleted", (400, 404), flow.client.cryptogram, customer, ident)
    check.equal("deleted token", "FAILED", flow.finish(customer, AMOUNT, token_card(held)).status)
    order = flow.client.create_order(customer, AMOUNT)[0]
    refused(check, "payment by what is deleted", (400, 404), flow.client.pay, order["payment_session_id"], saved(ident))
    check.step("deleted: not listed, no cryptogram, no payment")


def run(check, base):
    print(f"cashfree_pg {VERSION}, x-api-version {API_VERSION}")
    flow = Flow(Client(base, checks.env("CF_CLIENT_ID"), checks.env("CF_CLIENT_SECRET")))
    customer = checks.some("cust")
    order_and_payment(check, flow, customer)
    no_consent_no_card(check, flow, customer)
    instrument = saves(check, flow, customer)
    neighbour, theirs = same_card_again(check, flow, customer, instrument)
    cryptograms(check, flow, customer, instrument)
    bound_amount(check, flow, customer, instrument["instrument_id"])
    cashfree_errors.run(check, flow, base, customer, instrument, theirs)
    pays_and_goes(check, flow, customer, instrument)
    check.equal("the neighbour's stays", [theirs], flow.client.instruments(neighbour)[0])


checks.main(run)
