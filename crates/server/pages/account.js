// @ts-check
import { Refused, Unanswered, call, isSignedOut, mayBeSignedIn, sessionToken, wordsOf } from './api.js';
import { announce, complain, openDialog, text, the } from './elements.js';
import { onSubmit, value } from './forms.js';

/** @typedef {import('./api-types').components['schemas']['User']} Customer */

/** @type {Customer | null} */
let current = null;
/** @type {((customer: Customer) => void)[]} */
let waiting = [];
/** @type {(() => void)[]} */
const listeners = [];
/** @type {(() => void)[]} */
const leaving = [];
/** The question who is signed in, until it is answered. @type {Promise<void> | null} */
let asking = null;
/** The address of an account that may exist since it was asked for here. */
let mayExist = '';

/** @param {() => void} listener */
export const onCustomer = (listener) => void listeners.push(listener);
/** Signed out, on purpose. @param {() => void} listener */
export const onSignOut = (listener) => void leaving.push(listener);
export const customer = () => current;

/** Whether somebody is signed in, as far as is known. */
export const seemsSignedIn = () => current !== null || (asking !== null && mayBeSignedIn());

/** The session has ended elsewhere. */
export const wasSignedOut = () => become(null);

/** Who is signed in; `null`: nobody, or nobody can tell. */
export async function whoIsSignedIn() {
  // In another tab, somebody else may have signed in.
  if (current && session !== sessionToken()) current = null;
  if (current || !mayBeSignedIn()) return current;
  asking ??= ask().finally(() => void (asking = null));
  await asking;
  return current;
}

async function ask() {
  // The session has ended, or there is no connection: the next request tells.
  const found = await call('GET', '/v1/me').catch(() => null);
  // Meanwhile, somebody may have signed in.
  if (!current) become(found);
}

/** The session that `current` belongs to. @type {string | undefined} */
let session;

/** @param {Customer | null} customer */
function become(customer) {
  current = customer;
  session = sessionToken();
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
  openDialog('account');
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
  for (const resolve of waiting) resolve(customer);
  waiting = [];
  the('account').close();
  announce(text('account_signed_in', { name: customer.name }));
}

/** @param {HTMLFormElement} form */
async function openSession(form) {
  const credentials = { email: value(form, 'email'), password: value(form, 'password') };
  const session = await call('POST', '/v1/web/sessions', { body: credentials });
  signedIn(session.user);
}

/** @param {HTMLFormElement} form */
async function signUp(form) {
  const [email, password, name] = ['email', 'password', 'name'].map((field) => value(form, field));
  const again = mayExist === email;
  let taken;
  try {
    await call('POST', '/v1/users', { body: { email, password, name } });
    mayExist = email;
  } catch (error) {
    if (error instanceof Unanswered) mayExist = email;
    // Made by the request that was not answered: whoever knows the password goes on.
    if (!(again && error instanceof Refused && error.problem.code === 'email-taken')) throw error;
    taken = error;
  }
  try {
    await openSession(form);
    mayExist = '';
  } catch (error) {
    const isWrong = error instanceof Refused && error.problem.code === 'invalid-credentials';
    throw taken && isWrong ? taken : error;
  }
}

async function signOut() {
  try {
    await call('DELETE', '/v1/web/sessions/current');
  } catch (error) {
    if (!isSignedOut(error)) return complain(the('account-problem'), wordsOf(error));
  }
  complain(the('account-problem'));
  become(null);
  for (const listener of leaving) listener();
  the('account').close();
  announce(text('account_signed_out'));
}

export function account() {
  the('account-open').addEventListener('click', () => {
    complain(the('account-problem'));
    openDialog('account');
  });
  onSubmit('sign-in', openSession);
  onSubmit('sign-up', signUp);
  the('account-sign-out').addEventListener('click', () => void signOut());
  become(null);
  return whoIsSignedIn();
}

// A page that the browser has put aside may show what somebody saw who has signed out.
addEventListener('pageshow', (event) => {
  if (event.persisted && session !== sessionToken()) location.reload();
});
