"""What is refused, by the library's own exceptions."""

import json

import checks
import juspayp3
from checks import OTHER_VISA, VISA
from juspay_flow import card
from juspayp3.JuspayException import AuthenticationException, InvalidRequestException


def refused(check, what, call, *args, **named):
    """An InvalidRequestException whose body tells why, with no card number in it."""
    error = check.raises(what, InvalidRequestException, call, *args, **named)
    check.among(what, (400, 404), error.http_status)
    body = json.loads(error.json_body)
    check.fields(what, {"error_code": str, "error_message": str}, body)
    check.that(VISA.encode() not in error.json_body, what, "no card number", "one")


def deleted_again(check, gone):
    """A second delete is the same answer or a refusal; the documents leave it open."""
    try:
        again = juspayp3.Cards.delete(card_token=gone.token)
    except InvalidRequestException as error:
        check.among("deleted again", (400, 404), error.http_status)
    else:
        check.equal("deleted again", (gone.token, gone.reference, True), (again.token, again.reference, again.deleted))


def secrets(check, flow, customer, saved):
    order = flow.order(customer).order_id
    for key in ("wrong", "", checks.env("JP_API_KEY")[:-1]):
        flow.key(key)
        for what, call in {
            "list": lambda: juspayp3.Cards.list(customer_id=customer),
            "add": lambda: flow.add(customer, VISA),
            "delete": lambda: juspayp3.Cards.delete(card_token=saved["card_token"]),
            "order": lambda: flow.order(customer),
            "status": lambda: juspayp3.Orders.status(order_id=order),
            "pay": lambda: flow.pay(order, card_token=saved["card_token"]),
        }.items():
            error = check.raises(f"wrong key: {what}", AuthenticationException, call)
            check.equal(f"wrong key: {what}", 401, error.http_status)
    flow.key(checks.env("JP_API_KEY"))
    check.that(saved in flow.cards(customer)["cards"], "cards", "the card as before", "none such")
    check.step("a wrong key is unauthorised everywhere")


def ids(check, flow, customer, theirs):
    refused(check, "unknown order", juspayp3.Orders.status, order_id=checks.some("ord"))
    refused(check, "payment of an unknown order", flow.pay, checks.some("ord"), **card(VISA))
    order = flow.order(customer).order_id
    for token in ("tkn_" + "0" * 32, "", "x" * 300, "' OR 1=1 --"):
        refused(check, "unknown card", flow.pay, order, card_token=token)
        refused(check, "delete of an unknown card", juspayp3.Cards.delete, card_token=token)
    refused(check, "another customer's card", flow.pay, order, card_token=theirs)
    check.equal("cards of an unknown customer", [], flow.cards(checks.some("cust"))["cards"])
    check.step("unknown ids, and another customer's")


def merchants(check, flow, customer, saved):
    """Another merchant sees nothing of this one's; its masks show the first four digits."""
    order = flow.order(customer).order_id
    mine = flow.merchant
    flow.key(checks.env("OTHER_JP_API_KEY"))
    flow.merchant = checks.env("OTHER_JP_MERCHANT_ID")
    check.equal("another merchant's customer: cards", [], flow.cards(customer)["cards"])
    refused(check, "another merchant's: delete", juspayp3.Cards.delete, card_token=saved["card_token"])
    refused(check, "another merchant's: order", juspayp3.Orders.status, order_id=order)
    theirs = flow.order(customer).order_id
    refused(check, "another merchant's: pay", flow.pay, theirs, card_token=saved["card_token"])
    flow.add(customer, VISA)
    shown = flow.cards(customer)["cards"][0]
    check.equal("mask", "4111-XXXXXXXX-1111", shown["card_number"])
    check.equal("fingerprint across the board", saved["card_fingerprint"], shown["card_fingerprint"])
    flow.key(checks.env("JP_API_KEY"))
    flow.merchant = mine
    check.equal("still there", 1, flow.cards(customer)["cards"].count(saved))
    check.step("another merchant's ids, and its masks")


def cards(check, flow, customer, saved):
    order = flow.order(customer).order_id
    known = flow.cards(customer)
    for name, bad in (
        ("card_security_code", "12"), ("card_security_code", "12345"), ("card_security_code", "abc"),
        ("card_number", "4111111111111112"), ("card_number", "411111"), ("card_number", "four"),
        ("card_exp_month", "13"), ("card_exp_year", "2020"), ("card_exp_year", "abcd"),
    ):
        refused(check, f"{name} {bad[-2:]}", flow.pay, order, **dict(card(VISA), **{name: bad}))
        if name != "card_security_code":
            refused(check, f"add: {name} {bad[-2:]}", flow.add, customer, VISA, **{name: bad})
    refused(check, "bad CVV with a saved card", flow.pay, order, card_token=saved["card_token"], card_security_code="12")
    refused(check, "add without a customer", flow.add, "", VISA)
    check.equal("cards after refusals", known, flow.cards(customer))
    started = flow.pay(order, **card(OTHER_VISA))
    checks.visit(started.payment.authentication.url)
    check.equal("after all", "CHARGED", juspayp3.Orders.status(order_id=order).status)
    refused(check, "an order paid twice", flow.pay, order, **card(VISA))
    check.step("cards that can't be")


def run(check, flow, customer, saved, theirs):
    secrets(check, flow, customer, saved)
    ids(check, flow, customer, theirs)
    merchants(check, flow, customer, saved)
    cards(check, flow, customer, saved)
