"""juspayp3: a card's whole life, and what is refused."""

import importlib.metadata
from re import compile as like

import checks
import juspay_errors
import juspayp3
from checks import DECLINED, ISSUER_SILENT, MASTERCARD, OTHER_VISA, PAR, TOKENISER_SILENT, VISA
from juspay_flow import Flow, card

FINGERPRINT = "[0-9a-v]{26}"
REFERENCE = "[0-9a-f]{32}"
TOKEN = "tkn_[0-9a-f]{32}"


def adds(check, flow, customer):
    check.equal("cards", [], flow.cards(customer)["cards"])
    one = flow.add(customer, VISA)
    check.like("card_token", TOKEN, one.token)
    check.like("card_reference", REFERENCE, one.reference)
    check.like("card_fingerprint", FINGERPRINT, one.fingerprint)
    flow.add(customer, MASTERCARD, nickname="other")
    listed = flow.cards(customer)
    check.fields("list", {"customer_id": customer, "merchantId": str, "cards": list}, listed)
    check.equal("cards", 2, len(listed["cards"]))
    found = next(each for each in listed["cards"] if each["card_token"] == one.token)
    is_card(check, found, VISA, one.reference)
    check.equal("card_fingerprint", one.fingerprint, found["card_fingerprint"])
    check.equal("nickname", "mine", found["nickname"])
    other = next(each for each in listed["cards"] if each["card_token"] != one.token)
    is_card(check, other, MASTERCARD, other["card_reference"], "MASTERCARD")
    check.differ("fingerprints of two cards", found["card_fingerprint"], other["card_fingerprint"])
    check.step("cards are added and listed")
    return found


def is_card(check, got, number, reference, brand="VISA", tokenised=False):
    """A card that was only added is in the vault; a second factor makes it a token."""
    check.fields("card", {
        "card_token": like(TOKEN), "card_reference": reference, "card_number": f"XXXX-XXXXXXXX-{number[-4:]}",
        "card_isin": number[:6], "card_exp_year": "2030", "card_exp_month": like("1[02]"),
        "card_type": like("DEBIT|CREDIT"), "card_issuer": str, "card_brand": brand, "name_on_card": "Asha Rao",
        "expired": False, "card_fingerprint": like(FINGERPRINT), "juspay_bank_code": str, "card_sub_type": "NA",
        "card_issuer_country": str, "tokenize_support": True, "provider_category": "NETWORK_TOKEN" if tokenised else "VAULT",
        "provider": brand if tokenised else "JUSPAY",
    }, got)


def order_and_payment(check, flow, customer):
    order = flow.order(customer)
    raw = flow.http.last.json()
    check.fields("order", {
        "id": like("ordeh_.+"), "order_id": order.order_id, "merchant_id": str, "status": "NEW", "status_id": 10,
        "amount": 100.0, "currency": "INR", "customer_id": customer, "refunded": False, "amount_refunded": (int, float),
        "payment_links": dict,
    }, raw)
    started = flow.pay(order.order_id, **card(VISA))
    check.equal("status", "PENDING_VBV", started.status)
    check.equal("order_id", order.order_id, started.order_id)
    check.is_a("txn_id", str, started.txn_id)
    check.equal("method", "GET", started.payment.authentication.method)
    check.like("url", "https?://.*", started.payment.authentication.url)
    check.equal("status before", "PENDING_VBV", juspayp3.Orders.status(order_id=order.order_id).status)
    checks.visit(started.payment.authentication.url)
    read = flow.raw(f"/orders/{order.order_id}")
    check.fields("order status", {
        "order_id": order.order_id, "status": "CHARGED", "status_id": 21, "amount": 100.0, "txn_id": started.txn_id,
        "payment_method_type": "CARD", "payment_method": "VISA", "card": {
            "expiry_year": "2030", "expiry_month": "10", "saved_to_locker": False, "name_on_card": "Asha Rao",
            "last_four_digits": "1111", "using_saved_card": False, "card_fingerprint": like(FINGERPRINT),
            "card_isin": "411111", "card_brand": "VISA", "card_type": like("DEBIT|CREDIT"), "card_sub_type": None,
            "using_token": False,
        },
    }, read)
    check.that(not read["card"].get("token"), "token of a plain card", "none", read["card"].get("token"))
    check.step("order, payment by card, order status")


def no_consent_no_card(check, flow, customer):
    known = flow.cards(customer)
    check.equal("status", "CHARGED", flow.finish(customer, **card(OTHER_VISA)).status)
    check.equal("cards without consent", known, flow.cards(customer))
    check.step("without consent nothing is saved")
    failed = flow.finish(customer, True, outcome="failure", **card(OTHER_VISA))
    check.equal("status", "AUTHENTICATION_FAILED", failed.status)
    check.equal("cards after a failed second factor", known, flow.cards(customer))
    check.step("a failed second factor fails the payment and saves nothing")
    check.equal("status", "AUTHORIZATION_FAILED", flow.finish(customer, True, **card(DECLINED)).status)
    check.equal("status", "AUTHORIZATION_FAILED", flow.finish(customer, True, **card(ISSUER_SILENT)).status)
    check.equal("status", "CHARGED", flow.finish(customer, True, **card(TOKENISER_SILENT)).status)
    check.equal("cards after refusals", known, flow.cards(customer))
    check.step("neither does a refusal; a silent token service provider: paid, not saved")


def saves(check, flow, customer):
    known = [each["card_token"] for each in flow.cards(customer)["cards"]]
    paid = flow.finish(customer, True, **card(OTHER_VISA))
    check.equal("status", "CHARGED", paid.status)
    check.equal("saved_to_locker", True, paid.read["card"]["saved_to_locker"])
    new = [each for each in flow.cards(customer)["cards"] if each["card_token"] not in known]
    check.equal("new cards", 1, len(new))
    is_card(check, new[0], OTHER_VISA, new[0]["card_reference"], tokenised=True)
    check.equal("fingerprint", paid.read["card"]["card_fingerprint"], new[0]["card_fingerprint"])
    check.step("save and list")
    return new[0]


def tokenises(check, flow, customer, added):
    """The first payment by a card that was added tokenises it, if its second factor succeeds."""
    again = lambda: next(e for e in flow.cards(customer)["cards"] if e["card_token"] == added["card_token"])
    failed = flow.finish(customer, card_token=added["card_token"], outcome="failure")
    check.equal("status", "AUTHENTICATION_FAILED", failed.status)
    check.equal("card after a failed second factor", added, again())
    first = flow.finish(customer, card_token=added["card_token"], card_security_code="111")
    check.equal("status", "CHARGED", first.status)
    check.fields("card", {"using_saved_card": True, "using_token": False}, first.read["card"])
    saved = again()
    is_card(check, saved, VISA, added["card_reference"], tokenised=True)
    check.step("an added card is tokenised by its first payment, not before")
    return saved


def pays(check, flow, customer, saved):
    paid = flow.finish(customer, card_token=saved["card_token"], card_security_code="111")
    check.equal("status", "CHARGED", paid.status)
    check.fields("card", {
        "last_four_digits": "1111", "expiry_year": saved["card_exp_year"], "expiry_month": saved["card_exp_month"],
        "using_saved_card": True, "using_token": True, "card_fingerprint": saved["card_fingerprint"],
        "card_isin": "411111", "token": {
            "card_reference": like(REFERENCE), "last_four_digits": like(r"\d{4}"),
            "card_fingerprint": saved["card_fingerprint"], "card_isin": like(r"\d{6,9}"), "expiry_year": like(r"20\d\d"),
            "expiry_month": like(r"\d\d"), "par": like(PAR), "tokenization_status": "SUCCESS",
        },
    }, paid.read["card"])
    check.differ("last four of token and card", "1111", paid.read["card"]["token"]["last_four_digits"])
    again = flow.finish(customer, card_token=saved["card_token"])
    check.equal("without CVV", "CHARGED", again.status)
    check.equal("par", paid.read["card"]["token"]["par"], again.read["card"]["token"]["par"])
    failed = flow.finish(customer, card_token=saved["card_token"], outcome="failure")
    check.equal("status", "AUTHENTICATION_FAILED", failed.status)
    check.step("the saved card pays; order status has the token block")

    neighbour = checks.some("cust")
    theirs = flow.add(neighbour, VISA)
    check.equal("fingerprint with another customer", saved["card_fingerprint"], theirs.fingerprint)
    check.differ("card tokens of two customers", saved["card_token"], theirs.token)
    read = flow.finish(neighbour, card_token=theirs.token).read
    check.equal("par with another customer", paid.read["card"]["token"]["par"], read["card"]["token"]["par"])
    check.step("fingerprint and PAR tell cards apart and customers not")
    return neighbour, theirs.token


def goes(check, flow, customer, saved):
    gone = juspayp3.Cards.delete(card_token=saved["card_token"])
    check.equal("deleted", True, gone.deleted)
    check.equal("card_token", saved["card_token"], gone.token)
    check.equal("card_reference", saved["card_reference"], gone.reference)
    left = [each["card_token"] for each in flow.cards(customer)["cards"]]
    check.that(saved["card_token"] not in left, "cards after delete", "no deleted card", saved["card_token"])
    order = flow.order(customer).order_id
    juspay_errors.refused(check, "payment by what is deleted", flow.pay, order, card_token=saved["card_token"])
    juspay_errors.deleted_again(check, gone)
    check.step("deleted: not listed, no payment")


def run(check, base):
    print(f"juspayp3 {importlib.metadata.version('juspayp3')}")
    flow = Flow(base)
    customer = checks.some("cust")
    added = adds(check, flow, customer)
    order_and_payment(check, flow, customer)
    no_consent_no_card(check, flow, customer)
    saves(check, flow, customer)
    saved = tokenises(check, flow, customer, added)
    neighbour, theirs = pays(check, flow, customer, saved)
    juspay_errors.run(check, flow, customer, saved, theirs)
    goes(check, flow, customer, saved)
    check.equal("the neighbour's stays", [theirs], [each["card_token"] for each in flow.cards(neighbour)["cards"]])


checks.main(run)
