"""A token saved through one API pays through another with its cryptogram, once in all."""

import checks
import razorpay_flow
from cashfree_client import Client
from cashfree_flow import Flow as Cashfree
from cashfree_flow import card, token_card
from checks import MASTERCARD, VISA
from razorpay_flow import Flow as Razorpay


def for_razorpay(got):
    """The answer of Cashfree's cryptogram call as a card of Razorpay's."""
    return {
        "number": got["card_number"], "expiry_month": got["card_expiry_mm"], "expiry_year": got["card_expiry_yy"],
        "cryptogram_value": got["cryptogram"], "tokenised": True, "token_provider": "cashfree", "name": "Asha Rao",
    }


def for_cashfree(data, last4):
    """The answer of Razorpay's transactional data as a card of Cashfree's."""
    return {
        "card_number": data["token_number"], "card_holder_name": "Asha Rao",
        "card_expiry_mm": f"{data['token_expiry_month']:02}", "card_expiry_yy": str(data["token_expiry_year"])[-2:],
        "cryptogram": data["cryptogram_value"], "card_display": last4,
    }


def cashfree_to_razorpay(check, cashfree, razorpay):
    customer = checks.some("cust")
    check.equal("saved", "SUCCESS", cashfree.finish(customer, 100.5, card(VISA), save=True).status)
    ident = cashfree.client.instruments(customer)[0][0]["instrument_id"]
    fetch = lambda query="": cashfree.client.cryptogram(customer, ident, query=query)[0]

    got = fetch()
    check.equal("Cashfree's at Razorpay", "captured", razorpay.finish(card=for_razorpay(got)).status)
    check.equal("again at Razorpay", "failed", razorpay.finish(card=for_razorpay(got)).status)
    check.equal("again at Cashfree", "FAILED", cashfree.finish(customer, 100.5, token_card(got)).status)
    check.step("a token of Cashfree's pays through Razorpay, once")

    bound = [fetch("amount=100.50&currency=INR") for _ in range(2)]
    check.equal("another amount", "failed", razorpay.finish(amount=10000, card=for_razorpay(bound[0])).status)
    check.equal("the bound amount", "captured", razorpay.finish(amount=10050, card=for_razorpay(bound[1])).status)
    check.step("bound at Cashfree, so at Razorpay")

    held = fetch()
    cashfree.client.delete(customer, ident)
    check.equal("deleted at Cashfree", "failed", razorpay.finish(card=for_razorpay(held)).status)
    check.step("deleted at Cashfree, so at Razorpay")


def razorpay_to_cashfree(check, cashfree, razorpay):
    customer, theirs = razorpay.customer()["id"], checks.some("cust")
    check.equal("saved", "captured", razorpay.save(customer, MASTERCARD).status)
    token = razorpay.tokens(customer)[0]
    pay = lambda data, amount=100.5: cashfree.finish(theirs, amount, for_cashfree(data, "4444")).status

    data = razorpay.data(token)
    check.equal("Razorpay's at Cashfree", "SUCCESS", pay(data))
    check.equal("again at Cashfree", "FAILED", pay(data))
    again = razorpay.finish(card=razorpay_flow.token_card(data))
    check.equal("again at Razorpay", "failed", again.status)
    check.step("a token of Razorpay's pays through Cashfree, once")

    bound = [razorpay.data(token, amount=10050, currency="INR") for _ in range(2)]
    check.equal("another amount", "FAILED", pay(bound[0], 100.0))
    check.equal("the bound amount", "SUCCESS", pay(bound[1], 100.5))
    check.step("bound at Razorpay, so at Cashfree")

    held = razorpay.data(token)
    razorpay.rzp.token.deleteToken({"id": token["id"]})
    check.equal("deleted at Razorpay", "FAILED", pay(held))
    check.step("deleted at Razorpay, so at Cashfree")


def run(check, base):
    print("Cashfree and Razorpay")
    cashfree = Cashfree(Client(base, checks.env("CF_CLIENT_ID"), checks.env("CF_CLIENT_SECRET")))
    razorpay = Razorpay(razorpay_flow.client(base))
    cashfree_to_razorpay(check, cashfree, razorpay)
    razorpay_to_cashfree(check, cashfree, razorpay)


checks.main(run)
