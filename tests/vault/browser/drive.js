// A real browser, without a screen: opens URL, does the steps that stdin has (a JSON
// array of arrays), says each, and ends with 1 at the first that fails. Steps:
//
//   ["fill", SELECTOR, TEXT]      types into a field
//   ["click", SELECTOR]           presses a button or a link, ticks a box
//   ["text", SELECTOR, PATTERN]   the element is visible and its text matches
//   ["value", SELECTOR, PATTERN]  the field's value matches
//   ["absent", SELECTOR]          no such element is visible
//   ["checked", SELECTOR, BOOL]   the box is ticked or not
//   ["url", PATTERN]              the page's address comes to match
//   ["title", PATTERN]            the page's title matches
//   ["fits"]                      nothing stands out at the side
//   ["size", WIDTH, HEIGHT]       the window's size, in CSS pixels
//   ["picture", FILE]             a PNG of the whole page
//   ["elsewhere", HOST]           from now on HOST may be asked, and answers an empty page
//
// Also an end with 1: a script error, a refusal by content security policy, a request to a
// host other than the URL's, or one that has a card number that was typed. Card numbers typed
// here are not printed.
'use strict';

const fs = require('fs');
const { chromium } = require('playwright-core');

const FLAGS = [
  '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync',
];
// How long a page may take to come to what a step waits for: much more than it needs.
const PATIENCE = 60_000;

const redacted = (text) => String(text).replace(/\d(?:[ -]?\d){11,18}/g, '(digits)');

const wait = { timeout: PATIENCE };

async function matches(read, pattern) {
  const wanted = new RegExp(pattern);
  const end = Date.now() + PATIENCE;
  for (;;) {
    const got = await read();
    if (wanted.test(got)) return;
    if (Date.now() > end) throw new Error(`expected ${pattern}, got ${got}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

const STEPS = {
  fill(page, selector, text) {
    const digits = text.replace(/\D/g, '');
    if (digits.length >= 12) page.secrets.push(digits);
    return page.fill(selector, text, wait);
  },
  click: (page, selector) => page.click(selector, wait),
  async text(page, selector, pattern) {
    await page.waitForSelector(selector, { state: 'visible', ...wait });
    await matches(() => page.innerText(selector), pattern);
  },
  value: (page, selector, pattern) => matches(() => page.inputValue(selector, wait), pattern),
  absent: (page, selector) => page.waitForSelector(selector, { state: 'hidden', ...wait }),
  checked: (page, selector, expected) => matches(async () => String(await page.isChecked(selector, wait)), `^${expected}$`),
  url: (page, pattern) => matches(async () => page.url(), pattern),
  title: (page, pattern) => matches(() => page.title(), pattern),
  async fits(page) {
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    if (wide > room) throw new Error(`${wide} pixels in ${room}`);
  },
  size: (page, width, height) => page.setViewportSize({ width, height }),
  picture: (page, path) => page.screenshot({ path, fullPage: true }),
  elsewhere(page, host) {
    page.elsewhere.add(host);
    return page.route((url) => url.host === host, (route) => route.fulfill({ contentType: 'text/html', body: '<p>elsewhere' }));
  },
};

// What the page did that a page of ours must not.
function watch(page, url) {
  const wrong = [];
  page.elsewhere = new Set([new URL(url).host]);
  page.secrets = [];
  page.on('pageerror', (error) => wrong.push(`script error: ${error.message}`));
  page.on('console', (said) => {
    if (said.type() === 'error' && /Content.Security.Policy/i.test(said.text())) wrong.push(`policy: ${said.text()}`);
  });
  page.on('request', (asked) => {
    const to = new URL(asked.url());
    if (/^(https?|wss?):$/.test(to.protocol) && !page.elsewhere.has(to.host)) wrong.push(`request to ${to.host}`);
    const sent = [asked.url(), asked.postData() ?? '', JSON.stringify(asked.headers())].join('\n').replace(/(%20|[ +-])/g, '');
    if (page.secrets.some((secret) => sent.includes(secret))) wrong.push('a card number was sent in clear');
  });
  return wrong;
}

async function drive(page, url, steps) {
  const wrong = watch(page, url);
  await page.goto(url, { waitUntil: 'load', ...wait });
  for (const [name, ...given] of steps) {
    const said = redacted(name === 'fill' ? `${name} ${given[0]}` : `${name} ${given.join(' ')}`);
    if (!Object.hasOwn(STEPS, name)) throw new Error(`no such step: ${said}`);
    try {
      await STEPS[name](page, ...given);
    } catch (error) {
      throw new Error(`${said}: ${error.message}`);
    }
    if (wrong.length > 0) throw new Error(`${said}: ${wrong.join('; ')}`);
    console.log(`ok ${said}`);
  }
}

async function main(url) {
  const steps = JSON.parse(fs.readFileSync(0, 'utf8'));
  // A new, empty profile each time, by launch() itself.
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, chromiumSandbox: false, args: FLAGS,
    timeout: PATIENCE,
  });
  try {
    await drive(await browser.newPage(), url, steps);
    console.log(`${steps.length} steps`);
  } finally {
    await browser.close();
  }
}

main(process.argv[2]).catch((error) => {
  console.error(redacted(`FAILED ${error.message}`));
  process.exit(1);
});
