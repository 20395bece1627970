// What every driver checks with: one line a step, a count at the end, and no card
// number in anything that is printed.
'use strict';

const { inspect } = require('util');

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
const PAR = '[0-9A-Z]{29}';

// The sandbox's cards.
const VISA = '4111111111111111';
const DECLINED = '4000000000000002';
const TOKENISER_SILENT = '4000000000000259';

const redacted = (text) => String(text).replace(/\d(?:[ -]?\d){11,18}/g, '(digits)');

class Failed extends Error {}

class Checks {
  count = 0;
  at = 0;

  that(held, what, expected, got) {
    this.count += 1;
    // Answers of some libraries run in circles; inspect stops at a depth.
    if (!held) throw new Failed(redacted(`${what}: expected ${expected}, got ${inspect(got, { breakLength: Infinity })}`));
  }

  equal(what, expected, got) {
    const [one, other] = [JSON.stringify(expected), JSON.stringify(got)];
    this.that(one === other, what, one, got);
  }

  differ(what, one, other) {
    this.that(JSON.stringify(one) !== JSON.stringify(other), what, 'two different values', one);
  }

  like(what, pattern, got) {
    this.that(typeof got === 'string' && new RegExp(`^(${pattern})$`).test(got), what, `a string like ${pattern}`, got);
  }

  // Each field equals a value, or matches a pattern, or is of a type ("number").
  fields(what, expected, got) {
    this.that(got !== null && typeof got === 'object', what, 'an object', got);
    for (const [name, value] of Object.entries(expected)) {
      const path = `${what}.${name}`;
      if (value instanceof RegExp) this.like(path, value.source, got[name]);
      else if (typeof value === 'function') this.that(typeof got[name] === value.name.toLowerCase(), path, value.name, got[name]);
      else if (value !== null && typeof value === 'object' && !Array.isArray(value)) this.fields(path, value, got[name]);
      else this.equal(path, value, got[name]);
    }
  }

  // What the call rejects with.
  async rejects(what, call) {
    let answer;
    try {
      answer = await call();
    } catch (error) {
      this.count += 1;
      return error;
    }
    this.that(false, what, 'a rejection', answer);
  }

  // 20 bytes in canonical base64.
  cryptogram(what, got) {
    this.like(what, '[A-Za-z0-9+/]{27}=', got);
    this.equal(what, got, Buffer.from(got, 'base64').toString('base64'));
    this.equal(what, 20, Buffer.from(got, 'base64').length);
  }

  step(name) {
    console.log(`ok ${name} (${this.count - this.at})`);
    this.at = this.count;
  }
}

// The customer's browser at the authentication page; whatever it answers, the payment
// is what is looked at.
async function visit(url, outcome) {
  const full = outcome ? `${url}${url.includes('?') ? '&' : '?'}outcome=${outcome}` : url;
  await (await fetch(full, { headers: { accept: 'application/json' } })).text();
}

// An id that was not used before.
const some = (prefix) => prefix + require('crypto').randomBytes(6).toString('hex');

function env(name) {
  if (process.env[name] === undefined) throw new Error(`${name} is not set`);
  return process.env[name];
}

// Runs a driver with checks and the base URL; says how many checks held.
function main(run) {
  const check = new Checks();
  run(check, process.argv[2].replace(/\/$/, '')).then(
    () => {
      console.log(`${check.count} checks`);
      // The libraries keep connections open.
      process.exit(0);
    },
    (error) => {
      const lines = String(error?.stack).split('\n').filter((line) => /^ +at .*(life|flow|checks)\.js/.test(line));
      const said = error?.message ?? inspect(error);
      console.error(redacted(`${lines.join('\n')}\nFAILED${error instanceof Failed ? '' : ` ${error?.name}`}: ${said}`));
      process.exit(1);
    },
  );
}

module.exports = { DECLINED, PAR, TOKENISER_SILENT, UUID, VISA, Checks, env, main, redacted, some, visit };
