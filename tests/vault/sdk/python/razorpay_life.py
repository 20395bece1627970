"""razorpay: a card's whole life, and what is refused."""

import importlib.metadata
from re import compile as like

import checks
import razorpay_errors
from checks import (
    DECLINED, EXPIRED, ISSUER_SILENT, MASTERCARD, NEVER_ACTIVE, OTHER_VISA, PAR, RUPAY, SUSPENDED, SUSPENDED_AT_ONE,
    TOKENISER_SILENT, VISA,
)
from razorpay.errors import BadRequestError
from razorpay_flow import Flow, card, client, token_card

TOKEN = r"token_[A-Za-z0-9]+"


def order_and_payment(check, flow, customer):
    check.fields("customer", {"id": like("cust_[A-Za-z0-9]+"), "entity": "customer", "name": "Asha A"}, customer)
    order = flow.order()
    check.fields("order", {
        "id": like("order_[A-Za-z0-9]+"), "entity": "order", "amount": 10000, "amount_paid": 0, "amount_due": 10000,
        "currency": "INR", "receipt": str, "status": "created", "attempts": int, "created_at": int,
    }, order)
    made = flow.create(order["id"], card=card(VISA))
    check.fields("payment create", {"razorpay_payment_id": like("pay_[A-Za-z0-9]+"), "next": list}, made)
    check.fields("next", {"action": "redirect", "url": like("https?://.*")}, made["next"][0])
    before = flow.rzp.payment.fetch(made["razorpay_payment_id"])
    check.equal("status before authentication", "created", before["status"])
    check.step("customer, order, payment by card")
    checks.visit(made["next"][0]["url"])
    read = flow.rzp.payment.fetch(made["razorpay_payment_id"])
    check.fields("payment", {
        "id": made["razorpay_payment_id"], "entity": "payment", "amount": 10000, "currency": "INR",
        "status": "captured", "order_id": order["id"], "method": "card", "captured": True, "token_id": None,
        "error_code": None, "created_at": int,
    }, read)
    check.equal("order", "paid", flow.rzp.order.fetch(order["id"])["status"])
    check.step("authentication, payment and order are read")
    return read["id"]


def no_consent_no_card(check, flow, customer):
    none = {"entity": "collection", "count": 0, "items": []}
    check.fields("tokens", none, flow.rzp.token.all(customer))
    check.equal("status", "captured", flow.finish(customer_id=customer, card=card(VISA)).status)
    check.fields("tokens without consent", none, flow.rzp.token.all(customer))
    check.step("without consent nothing is saved")
    failed = flow.save(customer, VISA, outcome="failure")
    check.equal("status", "failed", failed.status)
    check.equal("error_code", "BAD_REQUEST_ERROR", failed.read["error_code"])
    check.equal("tokens after a failed second factor", [], flow.tokens(customer))
    check.step("a failed second factor fails the payment and saves nothing")
    check.equal("status", "failed", flow.save(customer, DECLINED).status)
    check.equal("status", "failed", flow.save(customer, ISSUER_SILENT).status)
    check.equal("tokens after refusals", [], flow.tokens(customer))
    silent = flow.save(customer, TOKENISER_SILENT)
    check.equal("status", "captured", silent.status)
    check.equal("token", None, silent.read["token_id"])
    check.equal("tokens after a silent tokeniser", [], flow.tokens(customer))
    check.step("neither does a refusal; a silent token service provider: paid, not saved")


def is_token(check, what, got, customer, network="Visa"):
    """The last four are the token's, as this API has it; which they are, its data tell."""
    check.fields(what, {
        "id": like(TOKEN), "entity": "token", "customer_id": customer, "method": "card",
        "card": {
            "last4": like(r"\d{4}"), "network": network, "issuer": like("[A-Z]{4}"), "type": like("credit|debit|prepaid"),
            "international": bool, "emi": bool, "sub_type": like("consumer|business|unknown"),
        },
        "compliant_with_tokenisation_guidelines": True, "expired_at": int, "status": "active", "status_reason": None,
        "service_provider_tokens": list,
    }, got)
    check.equal("providers", 1, len(got["service_provider_tokens"]))
    check.fields("provider's token", {
        "id": like("spt_[A-Za-z0-9]+"), "entity": "service_provider_token", "provider_type": "network",
        "provider_name": network, "interoperable": True, "status": "active", "status_reason": None,
        "provider_data": {
            "payment_account_reference": like(PAR), "token_iin": like(r"\d{6,9}"), "token_expiry_month": int,
            "token_expiry_year": int,
        },
    }, got["service_provider_tokens"][0])


def par(token):
    return token["service_provider_tokens"][0]["provider_data"]["payment_account_reference"]


def saves(check, flow, customer):
    saved = flow.save(customer, VISA)
    check.equal("status", "captured", saved.status)
    check.like("token_id", TOKEN, saved.read["token_id"])
    listed = flow.rzp.token.all(customer)
    check.fields("tokens", {"entity": "collection", "count": 1, "items": list}, listed)
    token = listed["items"][0]
    check.equal("token of the payment", saved.read["token_id"], token["id"])
    is_token(check, "token", token, customer)
    check.equal("fetched by id", token, flow.rzp.token.fetchToken({"id": token["id"]}))
    check.equal("fetched by customer", token, flow.rzp.token.fetch(customer, token["id"]))
    check.step("save, list, fetch")
    return token


def tokenises(check, flow, customer, payment, first):
    notes = {"note_key": "Beam me up"}
    one = flow.tokenise(customer, VISA, payment, notes=notes)
    is_token(check, "token", one, customer)
    check.equal("notes", notes, one["notes"])
    two = flow.tokenise(customer, "4111 1111 1111 1111", payment, notes=notes)
    check.differ("tokens of an identical card", one["id"], two["id"])
    check.equal("par of an identical card", par(one), par(two))
    check.equal("par of the saved card", par(first), par(one))
    other = flow.tokenise(customer, OTHER_VISA, payment)
    check.differ("par of another card", par(one), par(other))
    is_token(check, "MasterCard", flow.tokenise(customer, MASTERCARD, payment), customer, "MasterCard")
    reference = {"provider": "cashfree", "provider_reference_id": "1", "authentication_reference_number": "1" * 26}
    rupay = flow.tokenise(customer, RUPAY, payment, authentication=reference)
    check.equal("network", "RuPay", rupay["card"]["network"])
    check.equal("tokens", 6, flow.rzp.token.all(customer)["count"])
    check.equal("fetched", two, flow.rzp.token.fetchToken({"id": two["id"]}))
    check.step("tokens are created, a new one for an identical card")
    return one


def statuses(check, flow, customer, payment):
    """Active at one provider is active; else suspended at one, else deactivated at one."""
    for number, expected, reason, providers in (
        (SUSPENDED, "suspended", None, ["suspended"]),
        (SUSPENDED_AT_ONE, "active", None, ["active", "suspended"]),
        (EXPIRED, "deactivated", "expired", ["deactivated"]),
        (NEVER_ACTIVE, "initiated", None, []),
    ):
        made = flow.tokenise(customer, number, payment)
        token = flow.rzp.token.fetchToken({"id": made["id"]})
        check.equal("status", expected, token["status"])
        check.equal(f"status_reason of {expected}", reason, token["status_reason"])
        compliant = token["compliant_with_tokenisation_guidelines"]
        check.equal("compliant", expected != "initiated", compliant)
        check.equal("at providers", providers, sorted(each["status"] for each in token["service_provider_tokens"]))
        if providers and expected != "active":
            razorpay_errors.refused(check, f"{expected}: data", flow.data, token)
        if expected == "active":
            check.equal("active at one", "captured", flow.finish(card=token_card(flow.data(token))).status)
        else:
            order = flow.order()["id"]
            check.that(not pays_with(flow, order, token), f"{expected}: pay", "no payment", expected)
        flow.rzp.token.deleteToken({"id": token["id"]})
    check.step("statuses over providers, and their reasons")


def pays_with(flow, order, token):
    """Whether a payment with the token succeeds: it is refused at once or declined."""
    try:
        made = flow.create(order, token=token["id"], card={})
    except BadRequestError:
        return False
    checks.visit(made["next"][0]["url"])
    return flow.rzp.payment.fetch(made["razorpay_payment_id"])["captured"]


def cryptograms(check, flow, token):
    one = flow.data(token)
    check.fields("transactional data", {
        "token_number": like(r"\d{16}"), "cryptogram_value": str, "cvv": None, "token_expiry_month": int,
        "token_expiry_year": int, "card": {"number": one["token_number"], "expiry_month": like(r"\d\d"),
        "expiry_year": int, "cryptogram_value": one["cryptogram_value"]},
    }, one)
    check.cryptogram("cryptogram", one["cryptogram_value"])
    check.differ("token number and card number", VISA, one["token_number"])
    check.differ("last four of token and card", "1111", one["token_number"][-4:])
    check.equal("last4", one["token_number"][-4:], token["card"]["last4"])
    iin = token["service_provider_tokens"][0]["provider_data"]["token_iin"]
    check.equal("token_iin", iin, one["token_number"][:len(iin)])
    two, three = flow.data(token), flow.data(token)
    check.differ("two cryptograms", one["cryptogram_value"], two["cryptogram_value"])
    check.equal("two token numbers", one["token_number"], two["token_number"])
    check.step("cryptograms: canonical, each another")

    check.equal("first use", "captured", flow.finish(card=token_card(one)).status)
    check.equal("second use", "failed", flow.finish(card=token_card(one)).status)
    forged = dict(two, cryptogram_value=three["cryptogram_value"][:10] + two["cryptogram_value"][10:])
    check.equal("forged", "failed", flow.finish(card=token_card(forged)).status)
    spaced = " ".join(three["token_number"][at:at + 4] for at in range(0, 16, 4))
    check.equal("spaces", "captured", flow.finish(card=token_card(dict(three, token_number=spaced))).status)
    for cvv in (None, "", "123"):
        data = flow.data(token)
        check.equal(f"a CVV of {cvv!r}", "captured", flow.finish(card=token_card(data, cvv=cvv)).status)
    check.step("network token and cryptogram pay once; a replay or a forgery is declined")

    bound = [flow.data(token, amount=10050, currency="INR") for _ in range(2)]
    check.equal("another amount", "failed", flow.finish(amount=9950, card=token_card(bound[0])).status)
    check.equal("the bound amount", "captured", flow.finish(amount=10050, card=token_card(bound[1])).status)
    check.step("a cryptogram for an amount pays no other")


def pays_and_goes(check, flow, customer, token, other):
    for lacking in ({}, {"cvv": None}, {"cvv": ""}, {"cvv": "123"}):
        paid = flow.finish(customer_id=customer, token=token["id"], card=lacking)
        check.equal(f"saved token with {lacking}", "captured", paid.status)
        check.equal("token_id", token["id"], paid.read["token_id"])
    check.equal("bad factor", "failed", flow.finish(outcome="failure", token=token["id"], card={}).status)
    check.step("the saved token pays, with and without CVV")

    held = flow.data(token)
    check.equal("deleted", [], flow.rzp.token.deleteToken({"id": token["id"]}))
    check.equal("deleted by customer", {"deleted": True}, flow.rzp.token.delete(customer, other["id"]))
    left = [item["id"] for item in flow.tokens(customer)]
    refused = razorpay_errors.refused
    for gone in (token, other):
        check.that(gone["id"] not in left, "tokens after delete", "no deleted token", gone["id"])
        for fetch in (lambda: flow.rzp.token.fetchToken({"id": gone["id"]}), lambda: flow.rzp.token.fetch(customer, gone["id"])):
            razorpay_errors.deactivated_or_unknown(check, gone["id"], fetch)
        refused(check, "transactional data", flow.data, gone)
        refused(check, "pay", flow.create, flow.order()["id"], token=gone["id"], card={})
    check.equal("deleted token", "failed", flow.finish(card=token_card(held)).status)
    check.step("deleted: not listed, no cryptogram, no payment")


def run(check, base):
    print(f"razorpay {importlib.metadata.version('razorpay')}")
    flow = Flow(client(base))
    customer = flow.customer()
    payment = order_and_payment(check, flow, customer)
    no_consent_no_card(check, flow, customer["id"])
    token = saves(check, flow, customer["id"])
    other = tokenises(check, flow, customer["id"], payment, token)
    statuses(check, flow, customer["id"], payment)
    cryptograms(check, flow, token)
    razorpay_errors.run(check, flow, base, customer["id"], payment, token)
    pays_and_goes(check, flow, customer["id"], token, other)


checks.main(run)
