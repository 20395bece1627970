"""The cashfree_pg library of any version, pointed at a base URL, with its calls in
one shape: keyword arguments in, the raw JSON out."""

import importlib.metadata
import json
import re

from cashfree_pg.api_client import ApiClient, Cashfree
from cashfree_pg.models.create_order_request import CreateOrderRequest
from cashfree_pg.models.customer_details import CustomerDetails
from cashfree_pg.models.order_authenticate_payment_request import OrderAuthenticatePaymentRequest
from cashfree_pg.models.pay_order_request import PayOrderRequest

VERSION = importlib.metadata.version("cashfree_pg")
MAJOR = int(VERSION.split(".")[0])
API_VERSION = {3: "2022-09-01", 4: "2023-08-01", 6: "2026-01-01"}[MAJOR]


class Rewriting(ApiClient):
    """The library's host is fixed; its transport goes elsewhere."""

    base = ""
    query = ""

    def request(self, method, url, **named):
        url = re.sub(r"^https://(sandbox|api)\.cashfree\.com/pg", self.base + "/pg", url)
        if self.query:
            url += "?" + self.query
        return super().request(method, url, **named)


class Client:
    def __init__(self, base, client_id, secret):
        self.transport = Rewriting()
        self.transport.base = base
        self.id, self.secret = client_id, secret

    def call(self, name, *, query="", **named):
        """The raw JSON and the library's own object."""
        ApiClient.set_default(self.transport)
        self.transport.query = query
        if MAJOR >= 6:
            api = Cashfree(Cashfree.SANDBOX, self.id, self.secret)
        else:
            api = Cashfree()
            Cashfree.XClientId, Cashfree.XClientSecret = self.id, self.secret
            Cashfree.XEnvironment = Cashfree.SANDBOX
            named["x_api_version"] = API_VERSION
        answer = getattr(api, name)(**named)
        return json.loads(answer.raw_data), answer.data

    def create_order(self, customer, amount, key=None, **more):
        details = CustomerDetails(customer_id=customer, customer_phone="9999999999")
        order = CreateOrderRequest(order_amount=amount, order_currency="INR", customer_details=details, **more)
        return self.call("PGCreateOrder", create_order_request=order, x_idempotency_key=key)

    def fetch_order(self, order):
        return self.call("PGFetchOrder", order_id=order)

    def pay(self, session, card, save=None, key=None):
        body = {"payment_session_id": session, "payment_method": {"card": {"channel": "post", **card}}}
        if save is not None:
            body["save_instrument"] = save
        # The library keeps only what its models know; the test needs all of it.
        request = PayOrderRequest.from_dict(body)
        assert request.to_dict() == body, "the library lost a field"
        return self.call("PGPayOrder", pay_order_request=request, x_idempotency_key=key)

    def submit_otp(self, payment, otp):
        return self.authenticate(payment, OrderAuthenticatePaymentRequest(otp=otp, action="SUBMIT_OTP"))

    def resend_otp(self, payment):
        # The older models want a password with it.
        return self.authenticate(payment, OrderAuthenticatePaymentRequest(otp="", action="RESEND_OTP"))

    def authenticate(self, payment, request):
        return self.call(
            "PGOrderAuthenticatePayment", cf_payment_id=str(payment), order_authenticate_payment_request=request
        )

    def payment(self, order, payment):
        return self.call("PGOrderFetchPayment", order_id=order, cf_payment_id=str(payment))

    def payments(self, order):
        return self.call("PGOrderFetchPayments", order_id=order)

    def instruments(self, customer):
        return self.call("PGCustomerFetchInstruments", customer_id=customer, instrument_type="card")

    def instrument(self, customer, instrument):
        return self.call("PGCustomerFetchInstrument", customer_id=customer, instrument_id=instrument)

    def cryptogram(self, customer, instrument, key=None, query=""):
        return self.call(
            "PGCustomerInstrumentsFetchCryptogram",
            customer_id=customer, instrument_id=instrument, x_idempotency_key=key, query=query,
        )

    def delete(self, customer, instrument, key=None):
        return self.call(
            "PGCustomerDeleteInstrument", customer_id=customer, instrument_id=instrument, x_idempotency_key=key
        )

