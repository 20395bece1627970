// razorpay for Node: a card's whole life, and what is refused.
'use strict';

const Razorpay = require('razorpay');
const { DECLINED, PAR, TOKENISER_SILENT, VISA, env, main, some, visit } = require('./checks.js');

const card = (number) => ({ number, expiry_month: '12', expiry_year: '30', name: 'Asha Rao', cvv: '123' });
const tokenCard = (data) => ({
  number: data.token_number, expiry_month: String(data.token_expiry_month).padStart(2, '0'),
  expiry_year: String(data.token_expiry_year), name: 'Asha Rao', cryptogram_value: data.cryptogram_value, tokenised: true,
  token_provider: 'cashfree',
});

function library(base, key_id, key_secret) {
  const rz = new Razorpay({ key_id, key_secret });
  rz.api.rq.defaults.baseURL = base;
  return rz;
}

class Flow {
  constructor(rz) {
    this.rz = rz;
  }

  async customer() {
    const unique = some('c');
    return (await this.rz.customers.create({ name: 'Asha A', email: `${unique}@example.com`, contact: '9876543210', fail_existing: 0 })).id;
  }

  async create(how, amount = 10000) {
    const order = await this.rz.orders.create({ amount, currency: 'INR', receipt: some('r') });
    return this.rz.payments.createPaymentJson({
      amount, currency: 'INR', order_id: order.id, email: 'a@example.com', contact: '9876543210', method: 'card', ...how,
    });
  }

  // An order paid so, and authenticated; what became of the payment.
  async finish(how, { amount, outcome } = {}) {
    const made = await this.create(how, amount);
    await visit(made.next[0].url, outcome);
    return this.rz.payments.fetch(made.razorpay_payment_id);
  }

  tokenise(customer_id, number, payment, more) {
    return this.rz.tokens.create({
      customer_id, method: 'card', card: { number, expiry_month: '12', expiry_year: '30', name: 'Asha Rao' },
      authentication: { provider: 'razorpay', provider_reference_id: payment }, notes: {}, ...more,
    });
  }

  async tokens(customer) {
    return (await this.rz.customers.fetchTokens(customer)).items;
  }

  data(token, more) {
    return this.rz.tokens.processPaymentOnAlternatePAorPG({ id: token.service_provider_tokens[0].id, ...more });
  }
}

async function saves(check, flow, customer) {
  const save = (number) => ({ customer_id: customer, save: 1, card: card(number) });
  const plain = await flow.finish({ customer_id: customer, card: card(VISA) });
  check.fields('payment', { entity: 'payment', status: 'captured', captured: true, amount: 10000, currency: 'INR', method: 'card', error_code: null }, plain);
  check.equal('tokens without consent', [], await flow.tokens(customer));
  check.equal('status', 'failed', (await flow.finish(save(VISA), { outcome: 'failure' })).status);
  check.equal('status', 'failed', (await flow.finish(save(DECLINED))).status);
  check.equal('status', 'captured', (await flow.finish(save(TOKENISER_SILENT))).status);
  check.equal('tokens', [], await flow.tokens(customer));
  check.step('without consent or after a failure nothing is saved');

  const paid = await flow.finish(save(VISA));
  const [token] = await flow.tokens(customer);
  check.fields('token', {
    id: paid.token_id, entity: 'token', customer_id: customer, method: 'card', status: 'active', status_reason: null,
    compliant_with_tokenisation_guidelines: true, expired_at: Number,
    card: { last4: /\d{4}/, network: 'Visa', issuer: /[A-Z]{4}/, type: /credit|debit|prepaid/, international: Boolean, emi: Boolean },
  }, token);
  check.fields('provider data', { payment_account_reference: new RegExp(PAR) }, token.service_provider_tokens[0].provider_data);
  check.equal('fetched', token, await flow.rz.tokens.fetch({ id: token.id }));
  check.step('save, list, fetch');
  const other = await flow.tokenise(customer, VISA, paid.id);
  check.differ('tokens of an identical card', token.id, other.id);
  check.equal('tokens', 2, (await flow.tokens(customer)).length);
  check.step('a new token for an identical card');
  return [token, other, paid.id];
}

async function cryptograms(check, flow, token) {
  const [one, two] = [await flow.data(token), await flow.data(token)];
  check.fields('transactional data', { token_number: /\d{16}/, token_expiry_month: Number, token_expiry_year: Number, cvv: null }, one);
  check.cryptogram('cryptogram', one.cryptogram_value);
  check.equal('last4', one.token_number.slice(-4), token.card.last4);
  check.differ('two cryptograms', one.cryptogram_value, two.cryptogram_value);
  const status = async (data, amount) => (await flow.finish({ card: tokenCard(data) }, { amount })).status;
  check.equal('first use', 'captured', await status(one));
  check.equal('second use', 'failed', await status(one));
  const bound = { amount: 10050, currency: 'INR' };
  check.equal('another amount', 'failed', await status(await flow.data(token, bound), 9950));
  check.equal('the bound amount', 'captured', await status(await flow.data(token, bound), 10050));
  check.step('cryptograms pay once, and the amount that they are bound to');
}

// The body that the library rejects with.
async function refused(check, what, expected, call) {
  const error = await check.rejects(what, call);
  check.that(error.statusCode >= 400, what, 'a status', error.statusCode ?? error.message);
  check.fields(what, { code: 'BAD_REQUEST_ERROR', description: /.+/, ...expected }, error.error);
}

async function errors(check, flow, base, customer, token, payment) {
  const wrong = library(base, env('RZP_KEY_ID'), 'wrong');
  const unauthorised = await check.rejects('wrong secret', () => wrong.tokens.fetch({ id: token.id }));
  check.equal('wrong secret', 401, unauthorised.statusCode);
  check.equal('wrong secret', 'BAD_REQUEST_ERROR', unauthorised.error.code);
  await refused(check, 'unknown token', {}, () => flow.rz.tokens.fetch({ id: 'token_unknown0000' }));
  await refused(check, 'unknown payment', {}, () => flow.rz.payments.fetch('pay_unknown0000'));
  const other = await flow.customer();
  await refused(check, 'another customer', {}, () => flow.rz.customers.fetchToken(other, token.id));
  const failed = 'input_validation_failed';
  const cvv = { description: 'The cvv must be between 3 and 4 digits', source: 'business', step: 'payment_initiation', reason: failed, field: 'cvv' };
  await refused(check, 'bad CVV', cvv, () => flow.create({ card: { ...card(VISA), cvv: '12' } }));
  await refused(check, 'bad CVV, saved', cvv, () => flow.create({ token: token.id, card: { cvv: '12345' } }));
  const number = { description: 'The number is required', source: 'internal', step: 'token_initiation', reason: failed, field: 'number' };
  await refused(check, 'no number', number, () => flow.tokenise(customer, '', payment));
  const silent = await check.rejects('silent tokeniser', () => flow.tokenise(customer, TOKENISER_SILENT, payment));
  check.fields('silent tokeniser', {
    code: 'TOKEN_SERVICE_PROVIDER_TIMEOUT', description: 'There is an issue in connecting with the token service provider',
    source: 'service_provider', step: 'token_creation', reason: 'token_service_provider_timed_out',
  }, silent.error);
  check.that(!silent.error.field, 'silent tokeniser', 'no field', silent.error.field);
  check.step('errors: code, description, source, step, reason, field');
}

async function goes(check, flow, customer, token, other) {
  const paid = await flow.finish({ customer_id: customer, token: token.id, card: {} });
  check.equal('status', 'captured', paid.status);
  check.equal('token_id', token.id, paid.token_id);
  check.equal('deleted', [], await flow.rz.tokens.delete({ id: token.id }));
  check.equal('deleted by customer', { deleted: true }, await flow.rz.customers.deleteToken(customer, other.id));
  check.equal('tokens', [], await flow.tokens(customer));
  for (const gone of [token, other]) {
    // The documents leave open whether what is deleted is still shown.
    const status = await flow.rz.tokens.fetch({ id: gone.id }).then((kept) => kept.status, (error) => error.statusCode);
    check.that(['deactivated', 400].includes(status), 'fetch', 'deactivated or a refusal', status);
    await refused(check, 'transactional data', {}, () => flow.data(gone));
    await refused(check, 'pay', {}, () => flow.create({ token: gone.id, card: {} }));
  }
  check.step('the saved token pays; deleted, it does nothing');
}

main(async (check, base) => {
  console.log(`razorpay for Node ${Razorpay.VERSION}`);
  const flow = new Flow(library(base, env('RZP_KEY_ID'), env('RZP_KEY_SECRET')));
  const customer = await flow.customer();
  const [token, other, payment] = await saves(check, flow, customer);
  await cryptograms(check, flow, token);
  await errors(check, flow, base, customer, token, payment);
  await goes(check, flow, customer, token, other);
});
