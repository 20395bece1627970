// Encrypts the card under the key of the payment session (RSA-OAEP, SHA-256), so that its
// number never leaves the browser in clear: the fields that hold it have no names, so no
// form sends them.
'use strict';

(() => {
  const form = document.getElementById('card');
  const field = (id) => document.getElementById(id);
  const [number, expiry, cvc, button, error] = ['number', 'expiry', 'cvc', 'pay', 'card-error'].map(field);

  if (!window.crypto || !window.crypto.subtle) {
    fail(null, 'This page must be reached over HTTPS to encrypt your card.');
    return;
  }
  button.disabled = false;

  function clear() {
    for (const each of [number, expiry, cvc]) each.removeAttribute('aria-invalid');
    error.hidden = true;
  }
  form.addEventListener('input', clear);

  function fail(input, message) {
    clear();
    error.textContent = message;
    error.hidden = false;
    if (input) {
      input.setAttribute('aria-invalid', 'true');
      input.setAttribute('aria-describedby', 'card-error');
      input.focus();
    }
    return null;
  }

  function passesLuhn(digits) {
    let sum = 0;
    for (let at = 0; at < digits.length; at += 1) {
      const digit = Number(digits[digits.length - 1 - at]);
      sum += at % 2 ? digit * 2 - (digit > 4 ? 9 : 0) : digit;
    }
    return sum % 10 === 0;
  }

  // What the engine reads; null where something is wrong, which is then told.
  function read() {
    const digits = number.value.replace(/[ -]/g, '');
    if (!/^\d{12,19}$/.test(digits) || !passesLuhn(digits)) return fail(number, 'Check the card number.');
    const date = expiry.value.replace(/ /g, '').match(/^(\d{1,2})\/?(?:20)?(\d{2})$/);
    const month = date && Number(date[1]);
    if (!date || month < 1 || month > 12) return fail(expiry, 'Check the expiry: month and year, as on the card.');
    const now = new Date();
    if (2000 + Number(date[2]) < now.getFullYear()
      || (2000 + Number(date[2]) === now.getFullYear() && month < now.getMonth() + 1)) {
      return fail(expiry, 'This card has expired.');
    }
    const wanted = /^3[47]/.test(digits) ? 4 : 3;
    if (!/^\d+$/.test(cvc.value) || cvc.value.length !== wanted) {
      return fail(cvc, `Check the security code: ${wanted} digits.`);
    }
    return { number: digits, expiryMonth: date[1].padStart(2, '0'), expiryYear: date[2], cvc: cvc.value };
  }

  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

  async function encrypt(card) {
    const algorithm = { name: 'RSA-OAEP', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('spki', bytes(form.dataset.key), algorithm, false, ['encrypt']);
    const sealed = await crypto.subtle.encrypt(algorithm, key, new TextEncoder().encode(JSON.stringify(card)));
    return btoa(String.fromCharCode(...new Uint8Array(sealed)));
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const card = read();
    if (!card) return;
    button.disabled = true;
    try {
      field('encrypted').value = await encrypt(card);
      for (const each of [number, expiry, cvc]) each.value = '';
      form.submit();
    } catch {
      button.disabled = false;
      fail(null, 'Your card could not be encrypted. Reload the page and try again.');
    }
  });

  // Groups of four while typing at the end, as on the card; elsewhere it is left alone.
  number.addEventListener('input', () => {
    if (number.selectionStart !== number.value.length) return;
    const digits = number.value.replace(/\D/g, '').slice(0, 19);
    number.value = digits.replace(/(\d{4})(?=\d)/g, '$1 ');
  });
  expiry.addEventListener('input', (event) => {
    if (event.inputType && event.inputType.startsWith('delete')) return;
    if (/^\d{2}$/.test(expiry.value)) expiry.value += '/';
  });

  // Shown again by the way back: nothing of the card stays, and the key may be gone.
  window.addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
})();
