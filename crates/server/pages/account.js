// @ts-check
import { Refused, call, mayBeSignedIn, wordsOf } from './api.js';
import { announce, text, the } from './elements.js';
import { onSubmit, value } from './forms.js';

/** @typedef {import('./api-types').components['schemas']['User']} Customer */

/** @type {Customer | null} */
let current = null;
/** @type {((customer: Customer) => void)[]} */
let waiting = [];
/** @type {(() => void)[]} */
const listeners = [];

/** @param {() => void} listener */
export const onCustomer = (listener) => void listeners.push(listener);
export const customer = () => current;

/** @param {Customer | null} customer */
function become(customer) {
  current = customer;
  the('account-own').hidden = !customer;
  the('sign-in').hidden = the('sign-up').hidden = Boolean(customer);
  the('account-whose').textContent = customer ? text('account_signed_in', { name: customer.name }) : '';
  for (const listener of listeners) listener();
}

/**
 * Asks who somebody is. Fails with an `AbortError` if they do not say.
 * @returns {Promise<Customer>}
 */
export function signIn() {
  become(null);
  the('account').showModal();
  return new Promise((resolve, reject) => {
    waiting.push(resolve);
    the('account').addEventListener('close', () => {
      waiting = waiting.filter((other) => other !== resolve);
      reject(new DOMException('not signed in', 'AbortError'));
    }, { once: true });
  });
}

/** @param {Customer} customer */
function signedIn(customer) {
  become(customer);
  announce(text('account_signed_in', { name: customer.name }));
  for (const resolve of waiting) resolve(customer);
  waiting = [];
  the('account').close();
}

/** @param {HTMLFormElement} form */
async function openSession(form) {
  const credentials = { email: value(form, 'email'), password: value(form, 'password') };
  const session = await call('POST', '/v1/web/sessions', { body: credentials });
  signedIn(session.user);
}

export async function account() {
  the('account-open').addEventListener('click', () => the('account').showModal());
  onSubmit('sign-in', openSession);
  onSubmit('sign-up', async (form) => {
    const [email, password, name] = ['email', 'password', 'name'].map((field) => value(form, field));
    await call('POST', '/v1/users', { body: { email, password, name } });
    await openSession(form);
  });
  the('account-sign-out').addEventListener('click', async () => {
    try {
      await call('DELETE', '/v1/web/sessions/current');
    } catch (error) {
      if (!(error instanceof Refused && error.problem.status === 401)) return announce(wordsOf(error));
    }
    become(null);
    announce(text('account_signed_out'));
    the('account').close();
  });
  if (mayBeSignedIn()) {
    try {
      become(await call('GET', '/v1/me'));
      return;
    } catch {
      // The session has ended, or there is no connection: the next request tells.
    }
  }
  become(null);
}
