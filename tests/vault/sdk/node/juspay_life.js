// expresscheckout-nodejs: orders and payments by the library; cards, for which it has
// no calls, by the documented ones.
'use strict';

const http = require('http');
const https = require('https');
const { DECLINED, PAR, VISA, env, main, some, visit } = require('./checks.js');

// The library always speaks TLS, and puts the port into the host's name; this is the
// same request in clear to the base URL.
function point(base) {
  const { hostname, port } = new URL(base);
  https.request = (options) => {
    const request = http.request({ ...options, host: hostname, port, agent: undefined });
    request.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => socket.emit('secureConnect'));
    });
    return request;
  };
}

const card = (number) => ({
  card_number: number, card_exp_month: '10', card_exp_year: '2030', name_on_card: 'Asha Rao', card_security_code: '111',
});

class Flow {
  constructor(base, juspay) {
    this.base = base;
    this.juspay = juspay;
  }

  // A call that the library doesn't have: form in, JSON out.
  async documented(path, form) {
    const answer = await fetch(this.base + path, {
      method: form ? 'POST' : 'GET', body: form && new URLSearchParams(form),
      headers: {
        authorization: `Basic ${Buffer.from(`${env('JP_API_KEY')}:`).toString('base64')}`, version: '2018-10-25',
        'x-merchantid': env('JP_MERCHANT_ID'),
      },
    });
    return { status: answer.status, body: await answer.json() };
  }

  async cards(customer) {
    return (await this.documented(`/cards?customer_id=${customer}`)).body.cards;
  }

  order(customer, order_id = some('ord')) {
    return this.juspay.order.create({ order_id, amount: 1, currency: 'INR', customer_id: customer });
  }

  pay(order_id, how) {
    return this.juspay.payments.create({ order_id, payment_method_type: 'CARD', redirect_after_payment: true, ...how });
  }

  // An order paid so, and authenticated; what became of it.
  async finish(customer, how, outcome) {
    const { order_id } = await this.order(customer);
    const started = await this.pay(order_id, how);
    await visit(started.payment.authentication.url, outcome);
    return this.juspay.order.status(order_id);
  }
}

async function pays(check, flow, customer) {
  const order = await flow.order(customer);
  check.fields('order', {
    order_id: String, status: 'NEW', status_id: 10, amount: 1, currency: 'INR', customer_id: customer,
    payment_links: Object,
  }, order);
  const started = await flow.pay(order.order_id, card(VISA));
  check.fields('txn', {
    order_id: order.order_id, txn_id: String, status: 'PENDING_VBV',
    payment: { authentication: { method: 'GET', url: /https?:\/\/.*/ } },
  }, started);
  await visit(started.payment.authentication.url);
  check.fields('order status', {
    status: 'CHARGED', status_id: 21, txn_id: started.txn_id,
    card: { last_four_digits: '1111', using_saved_card: false, using_token: false, saved_to_locker: false, card_sub_type: null },
  }, await flow.juspay.order.status(order.order_id));
  check.equal('cards without consent', [], await flow.cards(customer));
  check.equal('failed factor', 'AUTHENTICATION_FAILED', (await flow.finish(customer, { save_to_locker: true, ...card(VISA) }, 'failure')).status);
  check.equal('declined', 'AUTHORIZATION_FAILED', (await flow.finish(customer, { save_to_locker: true, ...card(DECLINED) })).status);
  check.equal('cards after failures', [], await flow.cards(customer));
  check.step('order, payment by card; without consent or after a failure nothing is saved');
}

async function saves(check, flow, customer) {
  const paid = await flow.finish(customer, { save_to_locker: true, ...card(VISA) });
  check.fields('order status', { status: 'CHARGED', card: { saved_to_locker: true } }, paid);
  const [saved] = await flow.cards(customer);
  check.fields('card', {
    card_token: /tkn_[0-9a-f]{32}/, card_reference: /[0-9a-f]{32}/, card_number: 'XXXX-XXXXXXXX-1111', card_isin: '411111',
    card_exp_year: '2030', card_exp_month: '10', card_brand: 'VISA', expired: false, card_fingerprint: /[0-9a-v]{26}/,
    tokenize_support: true, provider_category: 'NETWORK_TOKEN', provider: 'VISA',
  }, saved);
  const added = await flow.documented('/card/add', {
    merchant_id: env('JP_MERCHANT_ID'), customer_id: some('cust'), customer_email: 'a@example.com', card_number: VISA,
    card_exp_year: '2030', card_exp_month: '12', name_on_card: 'Asha',
  });
  check.equal('fingerprint with another customer', saved.card_fingerprint, added.body.card_fingerprint);
  const again = await flow.finish(customer, { card_token: saved.card_token, card_security_code: '111' });
  check.fields('order status', {
    status: 'CHARGED',
    card: {
      last_four_digits: '1111', using_saved_card: true, using_token: true,
      token: {
        card_reference: /[0-9a-f]{32}/, last_four_digits: /\d{4}/, card_fingerprint: saved.card_fingerprint, expiry_year: /20\d\d/,
        expiry_month: /\d\d/, par: new RegExp(PAR), tokenization_status: 'SUCCESS',
      },
    },
  }, again);
  check.step('save, list, payment by the saved card');
  return [saved, added.body.card_token];
}

async function errors_of(check, flow, errors, customer, theirs) {
  const refused = async (what, kind, call) => {
    const error = await check.rejects(what, call);
    check.that(error instanceof kind, what, kind.name, `${error?.name}: ${error?.message}`);
  };
  const { InvalidRequestError, AuthenticationError } = errors;
  await refused('wrong key', AuthenticationError, () => flow.juspay.order.create({ order_id: some('ord'), amount: 1 }, { apiKey: 'wrong' }));
  await refused('wrong key', AuthenticationError, () => flow.juspay.order.status(some('ord'), {}, { apiKey: 'wrong' }));
  await refused('unknown order', InvalidRequestError, () => flow.juspay.order.status(some('ord')));
  const { order_id } = await flow.order(customer);
  await refused('bad CVV', InvalidRequestError, () => flow.pay(order_id, { ...card(VISA), card_security_code: '12' }));
  await refused('bad number', InvalidRequestError, () => flow.pay(order_id, card('4111111111111112')));
  await refused('unknown card', InvalidRequestError, () => flow.pay(order_id, { card_token: `tkn_${'0'.repeat(32)}` }));
  await refused("another customer's card", InvalidRequestError, () => flow.pay(order_id, { card_token: theirs }));
  check.step('wrong key, unknown ids, another customer, bad cards');
}

async function goes(check, flow, errors, customer, saved) {
  const gone = await flow.documented('/card/delete', { card_token: saved.card_token });
  check.fields('deleted', { card_token: saved.card_token, card_reference: saved.card_reference, deleted: true }, gone.body);
  check.equal('cards', [], await flow.cards(customer));
  const { order_id } = await flow.order(customer);
  const error = await check.rejects('deleted', () => flow.pay(order_id, { card_token: saved.card_token }));
  check.that(error instanceof errors.InvalidRequestError, 'deleted', 'InvalidRequestError', error?.name);
  check.step('deleted: not listed, no payment');
}

main(async (check, base) => {
  point(base);
  const { Juspay, ...errors } = require('expresscheckout-nodejs');
  Juspay.customLogger = () => Juspay.silentLogger;
  console.log('expresscheckout-nodejs');
  const flow = new Flow(base, new Juspay({ merchantId: env('JP_MERCHANT_ID'), apiKey: env('JP_API_KEY') }));
  const customer = some('cust');
  await pays(check, flow, customer);
  const [saved, theirs] = await saves(check, flow, customer);
  await errors_of(check, flow, errors, customer, theirs);
  await goes(check, flow, errors, customer, saved);
});
