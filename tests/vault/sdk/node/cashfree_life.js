// cashfree-pg for Node: a card's whole life, and what is refused.
'use strict';

const axios = require('axios');
const { Cashfree, CFEnvironment } = require('cashfree-pg');
const { DECLINED, PAR, TOKENISER_SILENT, UUID, VISA, env, main, some } = require('./checks.js');

const AMOUNT = 10;
let query = '';

// The library's host is fixed; its transport goes elsewhere.
function point(base) {
  axios.interceptors.request.use((config) => {
    config.url = config.url.replace(/^https:\/\/(sandbox|api)\.cashfree\.com\/pg/, `${base}/pg`);
    if (query) config.url += `${config.url.includes('?') ? '&' : '?'}${query}`;
    return config;
  });
}

// No error analytics: those would go to the maker.
const library = (id, secret) => new Cashfree(CFEnvironment.SANDBOX, id, secret, undefined, undefined, undefined, false);
const card = (number) => ({
  channel: 'post', card_number: number, card_holder_name: 'Asha Rao', card_expiry_mm: '12', card_expiry_yy: '30', card_cvv: '123',
});
const saved = (instrument) => ({ channel: 'post', instrument_id: instrument });
const tokenCard = (got) => ({
  channel: 'post', card_number: got.card_number, card_holder_name: 'Asha Rao', card_expiry_mm: got.card_expiry_mm,
  card_expiry_yy: got.card_expiry_yy.slice(-2), cryptogram: got.cryptogram, token_requestor_id: got.token_requestor_id,
  card_display: got.card_display,
});

class Flow {
  constructor(cf) {
    this.cf = cf;
  }

  async order(customer, amount = AMOUNT) {
    const details = { customer_id: customer, customer_phone: '9999999999' };
    return (await this.cf.PGCreateOrder({ order_amount: amount, order_currency: 'INR', customer_details: details })).data;
  }

  async pay(session, how, save) {
    const consent = save === undefined ? {} : { save_instrument: save };
    return (await this.cf.PGPayOrder({ payment_session_id: session, payment_method: { card: how }, ...consent })).data;
  }

  async otp(payment, otp = '111000') {
    return (await this.cf.PGOrderAuthenticatePayment(payment, { action: 'SUBMIT_OTP', otp })).data;
  }

  // An order paid so; what became of the payment.
  async finish(customer, how, { save, otp, amount = AMOUNT } = {}) {
    const order = await this.order(customer, amount);
    const paid = await this.pay(order.payment_session_id, how, save);
    await this.otp(paid.cf_payment_id, otp);
    return (await this.cf.PGOrderFetchPayment(order.order_id, paid.cf_payment_id)).data;
  }

  async list(customer) {
    return (await this.cf.PGCustomerFetchInstruments(customer, 'card')).data;
  }

  async cryptogram(customer, ident, key) {
    return (await this.cf.PGCustomerInstrumentsFetchCryptogram(customer, ident, undefined, key)).data;
  }
}

async function saves(check, flow, customer) {
  const order = await flow.order(customer);
  check.fields('order', { cf_order_id: String, order_amount: AMOUNT, order_status: 'ACTIVE', entity: 'order' }, order);
  const paid = await flow.pay(order.payment_session_id, card(VISA));
  check.fields('pay', { action: 'post', channel: 'post', payment_method: 'card', payment_amount: AMOUNT, cf_payment_id: String }, paid);
  check.fields('otp', { authenticate_status: 'SUCCESS', cf_payment_id: paid.cf_payment_id }, await flow.otp(paid.cf_payment_id));
  const read = (await flow.cf.PGFetchOrder(order.order_id)).data;
  check.equal('order_status', 'PAID', read.order_status);
  check.equal('list without consent', [], await flow.list(customer));
  check.step('order, payment by card; without consent nothing is saved');

  const status = async (number, more) => (await flow.finish(customer, card(number), { save: true, ...more })).payment_status;
  check.equal('status', 'FAILED', await status(VISA, { otp: '999999' }));
  check.equal('status', 'FAILED', await status(DECLINED));
  check.equal('status', 'SUCCESS', await status(TOKENISER_SILENT));
  check.equal('list', [], await flow.list(customer));
  check.step('a failed second factor, a refusal, a silent token service provider: nothing saved');

  const payment = await flow.finish(customer, card(VISA), { save: true });
  check.fields('payment', {
    payment_status: 'SUCCESS', payment_amount: AMOUNT, is_captured: true,
    payment_method: { card: { card_number: 'XXXXXXXXXXXX1111', card_network: 'visa' } },
  }, payment);
  const list = await flow.list(customer);
  check.equal('instruments', 1, list.length);
  check.fields('instrument', {
    customer_id: customer, afa_reference: payment.cf_payment_id, instrument_id: new RegExp(UUID), instrument_type: 'card',
    instrument_uid: /[0-9a-f]{64}/, instrument_display: 'xxxxxxxxxxxx1111', instrument_status: 'ACTIVE',
    created_at: /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/,
    instrument_meta: {
      card_network: 'VISA', card_country: 'IN', card_type: /(DEBIT|CREDIT|PREPAID)_CARD/,
      card_token_details: { par: new RegExp(PAR), expiry_month: /\d\d/, expiry_year: /\d\d/ },
    },
  }, list[0]);
  check.equal('fetched', list[0], (await flow.cf.PGCustomerFetchInstrument(customer, list[0].instrument_id)).data);
  check.step('save, list, fetch');
  return list[0];
}

async function cryptograms(check, flow, customer, ident) {
  const one = await flow.cryptogram(customer, ident);
  check.fields('cryptogram', {
    instrument_id: ident, token_requestor_id: /\d{11}/, card_number: /\d{16}/, card_expiry_mm: /\d\d/, card_expiry_yy: /20\d\d/,
    card_display: '1111',
  }, one);
  check.cryptogram('cryptogram', one.cryptogram);
  check.differ('token and card', VISA, one.card_number);
  const key = require('crypto').randomUUID();
  const two = await flow.cryptogram(customer, ident, key);
  check.differ('two cryptograms', one.cryptogram, two.cryptogram);
  check.equal('one idempotency key', two, await flow.cryptogram(customer, ident, key));
  const status = async (got, amount) => (await flow.finish(customer, tokenCard(got), { amount })).payment_status;
  check.equal('first use', 'SUCCESS', await status(one));
  check.equal('second use', 'FAILED', await status(one));
  query = 'amount=10.00&currency=INR';
  const bound = [await flow.cryptogram(customer, ident), await flow.cryptogram(customer, ident)];
  query = '';
  check.equal('another amount', 'FAILED', await status(bound[0], 11));
  check.equal('the bound amount', 'SUCCESS', await status(bound[1], 10));
  check.step('cryptograms pay once, and the amount that they are bound to');
}

async function refused(check, what, statuses, call) {
  const error = await check.rejects(what, call);
  check.that(statuses.includes(error.response?.status), what, statuses, error.response?.status ?? error.message);
  check.fields(what, { message: String, code: String, type: String }, error.response.data);
}

async function errors(check, flow, customer, ident) {
  for (const cf of [library(env('CF_CLIENT_ID'), 'wrong'), library('nobody', env('CF_CLIENT_SECRET'))]) {
    await refused(check, 'wrong secret: list', [401], () => cf.PGCustomerFetchInstruments(customer, 'card'));
    await refused(check, 'wrong secret: delete', [401], () => cf.PGCustomerDeleteInstrument(customer, ident));
  }
  const session = (await flow.order(customer)).payment_session_id;
  const theirs = (await flow.order(some('cust'))).payment_session_id;
  await refused(check, 'unknown order', [404], () => flow.cf.PGFetchOrder(some('order')));
  await refused(check, 'another customer: cryptogram', [404], () => flow.cryptogram(some('cust'), ident));
  await refused(check, 'another customer: delete', [404], () => flow.cf.PGCustomerDeleteInstrument(some('cust'), ident));
  await refused(check, 'another customer: pay', [400, 404], () => flow.pay(theirs, saved(ident)));
  await refused(check, 'bad CVV', [400], () => flow.pay(session, { ...card(VISA), card_cvv: '12' }));
  await refused(check, 'bad number', [400], () => flow.pay(session, { ...card(VISA), card_number: '4111111111111112' }));
  await refused(check, 'bad month', [400], () => flow.pay(session, { ...card(VISA), card_expiry_mm: '13' }));
  check.step('wrong secrets, unknown ids, another customer, bad cards');
}

async function goes(check, flow, customer, ident) {
  check.equal('status', 'SUCCESS', (await flow.finish(customer, saved(ident))).payment_status);
  const gone = (await flow.cf.PGCustomerDeleteInstrument(customer, ident)).data;
  check.fields('deleted', { instrument_id: ident, instrument_status: 'INACTIVE' }, gone);
  check.equal('list', [], await flow.list(customer));
  const kept = (await flow.cf.PGCustomerFetchInstrument(customer, ident)).data;
  check.equal('fetch', 'INACTIVE', kept.instrument_status);
  await refused(check, 'cryptogram', [400, 404], () => flow.cryptogram(customer, ident));
  const session = (await flow.order(customer)).payment_session_id;
  await refused(check, 'pay', [400, 404], () => flow.pay(session, saved(ident)));
  check.step('the saved instrument pays; deleted, it does nothing');
}

main(async (check, base) => {
  console.log('cashfree-pg');
  point(base);
  const flow = new Flow(library(env('CF_CLIENT_ID'), env('CF_CLIENT_SECRET')));
  const customer = some('cust');
  const instrument = await saves(check, flow, customer);
  await cryptograms(check, flow, customer, instrument.instrument_id);
  await errors(check, flow, customer, instrument.instrument_id);
  await goes(check, flow, customer, instrument.instrument_id);
});
