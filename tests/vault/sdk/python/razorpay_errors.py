"""What is refused, by the library's own exceptions."""

import checks
from checks import RUPAY, TOKENISER_SILENT, VISA
from razorpay.errors import BadRequestError, ServerError
from razorpay_flow import card, client, token_card


def refused(check, what, call, *args, **named):
    """A BadRequestError with a description, and with no card number in it."""
    error = check.raises(what, BadRequestError, call, *args, **named)
    check.that(bool(str(error)) and VISA not in str(error), what, "a description", error)
    return error


def says(check, what, description, call, *args, **named):
    check.equal(what, description, str(refused(check, what, call, *args, **named)))


def deactivated_or_unknown(check, ident, fetch):
    """What is deleted is shown as that, or not at all; the documents leave it open."""
    try:
        kept = fetch()
    except BadRequestError as error:
        check.that(bool(str(error)), "fetch of what is deleted", "a description", error)
    else:
        check.fields("deleted", {"id": ident, "status": "deactivated", "status_reason": None}, kept)


def secrets(check, base, token, customer):
    wrong = (client(base, secret="wrong"), client(base, key_id="nobody"),
             client(base, secret=checks.env("RZP_KEY_SECRET")[:-1]))
    for rzp in wrong:
        refused(check, "wrong secret: fetch", rzp.token.fetchToken, {"id": token["id"]})
        refused(check, "wrong secret: delete", rzp.token.deleteToken, {"id": token["id"]})
        refused(check, "wrong secret: tokens", rzp.token.all, customer)
        refused(check, "wrong secret: order", rzp.order.create, {"amount": 100, "currency": "INR"})
    check.step("a wrong secret is refused everywhere")


def ids(check, flow, customer, token):
    rzp, other = flow.rzp, flow.customer()["id"]
    for ident in ("token_unknown0000", "", "x" * 300, "' OR 1=1 --", token["service_provider_tokens"][0]["id"]):
        refused(check, "unknown token: fetch", rzp.token.fetchToken, {"id": ident})
        refused(check, "unknown token: delete", rzp.token.deleteToken, {"id": ident})
    refused(check, "no id", rzp.token.fetchToken, {})
    data = rzp.token.processPaymentOnAlternatePAorPG
    refused(check, "unknown provider's token", data, {"id": "spt_unknown0000"})
    refused(check, "a token is not a provider's token", data, {"id": token["id"]})
    refused(check, "unknown payment", rzp.payment.fetch, "pay_unknown0000")
    refused(check, "unknown order", rzp.order.fetch, "order_unknown0000")
    refused(check, "pay an unknown order", flow.create, "order_unknown0000", card=card(VISA))
    refused(check, "unknown customer's token", flow.tokenise, "cust_unknown0000", VISA, "pay_1")
    refused(check, "another customer's token", rzp.token.fetch, other, token["id"])
    refused(check, "delete another customer's token", rzp.token.delete, other, token["id"])
    check.equal("another customer's tokens", [], flow.tokens(other))
    check.equal("still there", token, rzp.token.fetch(customer, token["id"]))
    check.step("unknown ids, and another customer's")


def merchants(check, flow, base, customer, token):
    """Another merchant, with credentials of its own, sees nothing of this one's."""
    other = client(base, checks.env("OTHER_RZP_KEY_ID"), checks.env("OTHER_RZP_KEY_SECRET"))
    spt, ident = token["service_provider_tokens"][0]["id"], {"id": token["id"]}
    refused(check, "another merchant's: fetch", other.token.fetchToken, ident)
    refused(check, "another merchant's: delete", other.token.deleteToken, ident)
    refused(check, "another merchant's: data", other.token.processPaymentOnAlternatePAorPG, {"id": spt})
    refused(check, "another merchant's: fetch by customer", other.token.fetch, customer, token["id"])
    refused(check, "another merchant's: delete by customer", other.token.delete, customer, token["id"])
    refused(check, "another merchant's: order", other.order.fetch, flow.order()["id"])
    check.equal("still there", token, flow.rzp.token.fetch(customer, token["id"]))
    check.step("another merchant's ids")


def cards(check, flow, token):
    order = flow.order()["id"]
    for cvv in ("12", "12345", "abc"):
        text = "The cvv must be between 3 and 4 digits"
        says(check, f"CVV {cvv}", text, flow.create, order, card=dict(card(VISA), cvv=cvv))
        says(check, f"saved, CVV {cvv}", text, flow.create, order, token=token["id"], card={"cvv": cvv})
    for name, bad in {"number": "4111111111111112", "expiry_month": "13", "expiry_year": "2020"}.items():
        refused(check, f"bad {name}", flow.create, order, card=dict(card(VISA), **{name: bad}))
    for name in ("number", "expiry_month", "expiry_year", "cvv"):
        lacking = {key: value for key, value in card(VISA).items() if key != name}
        refused(check, f"without {name}", flow.create, order, card=lacking)
    data = flow.data(token)
    without = {key: value for key, value in token_card(data).items() if key != "cryptogram_value"}
    refused(check, "tokenised without a cryptogram", flow.create, order, card=without)
    refused(check, "unknown token_provider", flow.create, order, card=token_card(data, provider="nobody"))
    short = dict(data, cryptogram_value=data["cryptogram_value"][:-4])
    refused(check, "short cryptogram", flow.create, order, card=token_card(short))
    refused(check, "another amount than the order's", flow.create, order, amount=9999, card=card(VISA))
    made = flow.create(order, card=card(VISA))
    checks.visit(made["next"][0]["url"])
    check.equal("after all", "captured", flow.rzp.payment.fetch(made["razorpay_payment_id"])["status"])
    refused(check, "an order paid twice", flow.create, order, card=card(VISA))
    check.step("cards and cryptograms that can't be")


def creation(check, flow, customer, payment):
    before = flow.rzp.token.all(customer)["count"]
    says(check, "empty number", "The number is required", flow.tokenise, customer, "", payment)
    refused(check, "bad number", flow.tokenise, customer, "4111111111111112", payment)
    refused(check, "no authentication", flow.tokenise, customer, VISA, payment, authentication={})
    nobody = {"provider": "nobody", "provider_reference_id": payment}
    refused(check, "unknown authenticator", flow.tokenise, customer, VISA, payment, authentication=nobody)
    long = {"provider": "cashfree", "provider_reference_id": "1", "authentication_reference_number": "1" * 27}
    refused(check, "reference of 27", flow.tokenise, customer, RUPAY, payment, authentication=long)
    refused(check, "RuPay without a reference", flow.tokenise, customer, RUPAY, payment)
    many = {f"key{n}": "v" for n in range(16)}
    refused(check, "16 notes", flow.tokenise, customer, VISA, payment, notes=many)
    refused(check, "a note of 257", flow.tokenise, customer, VISA, payment, notes={"key": "v" * 257})
    error = check.raises("silent tokeniser", ServerError, flow.tokenise, customer, TOKENISER_SILENT, payment)
    check.equal("silent tokeniser", "There is an issue in connecting with the token service provider", str(error))
    check.equal("tokens after refusals", before, flow.rzp.token.all(customer)["count"])
    most = {f"key{n}": "v" * 256 for n in range(15)}
    check.equal("15 notes of 256", most, flow.tokenise(customer, VISA, payment, notes=most)["notes"])
    check.step("tokens that can't be created")


def run(check, flow, base, customer, payment, token):
    secrets(check, base, token, customer)
    ids(check, flow, customer, token)
    merchants(check, flow, base, customer, token)
    cards(check, flow, token)
    creation(check, flow, customer, payment)
