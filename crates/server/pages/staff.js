// @ts-check
import { Refused, call, mayBeSignedIn, whenRefused, wordsOf } from './api.js';
import { complain, text, the } from './elements.js';
import { onSubmit, value } from './forms.js';

/** @typedef {{ id: string, name: string, role: string }} Member somebody of the staff, or an admin */

const AGAIN = 3_000;

/** @type {Member | null} */
let current = null;
/** @type {((member: Member) => void)[]} */
const listeners = [];
/** Who waits for somebody to sign in. @type {{ promise: Promise<Member>, resolve: (member: Member) => void } | null} */
let waiting = null;
/** What other windows of this browser hear of. */
const windows = new BroadcastChannel('comanda.staff');

/** Hears of everybody who signs in. @param {(member: Member) => void} listener */
export const onStaff = (listener) => void listeners.push(listener);

/** @param {{ name: string }} account */
const notStaff = ({ name }) => text('staff_not_staff', { name });

/** @param {Member} member */
function welcome({ id, name, role }) {
  const member = { id, name, role };
  current = member;
  const waited = waiting;
  waiting = null;
  the('staff').close();
  for (const listener of listeners) listener(member);
  waited?.resolve(member);
  return member;
}

/** Asks somebody to sign in, over whatever is on the page. @param {string} [words] why */
function ask(words = '') {
  if (!waiting) {
    /** @type {(member: Member) => void} */
    let resolve = () => undefined;
    waiting = { promise: new Promise((resolved) => (resolve = resolved)), resolve };
  }
  complain(the('staff-why'), words);
  if (!the('staff').open) the('staff').showModal();
  return waiting.promise;
}

/** What another window's sign-in has changed. */
async function lookAgain() {
  if (!waiting && !current) return;
  const response = await fetch('/v1/me', { credentials: 'same-origin', cache: 'no-store' }).catch(() => undefined);
  if (!response?.ok) return;
  /** @type {import('./api-types').components['schemas']['User']} */
  const member = await response.json();
  // What is on the page was somebody else's.
  if (current && current.id !== member.id) location.reload();
  else if (waiting && member.role !== 'customer') welcome(member);
}

/** @param {HTMLFormElement} form */
async function signIn(form) {
  const credentials = { email: value(form, 'email'), password: value(form, 'password') };
  const { user } = await call('POST', '/v1/web/sessions', { body: credentials });
  if (user.role === 'customer') {
    // Nothing is left of it, for whoever comes next.
    await call('DELETE', '/v1/web/sessions/current').catch(() => undefined);
    throw new Refused({ status: 403, code: 'forbidden', detail: notStaff(user) });
  }
  welcome(user);
  windows.postMessage('signed in');
}

/**
 * Asks somebody to sign in. What one person has begun is not done in the name of another.
 * @param {string} words why
 * @returns {Promise<boolean>} that it goes on
 */
async function resume(words) {
  const before = current?.id;
  const member = await ask(words);
  if (!before || before === member.id) return true;
  location.reload();
  return new Promise(() => undefined);
}

/** A session that ends while the page is open: the request waits, and is sent again. */
whenRefused(async ({ status, code }, path) => {
  if (path.startsWith('/v1/web/sessions')) return false;
  if (status === 401 || code === 'invalid-csrf-token') return resume(text('staff_ended'));
  if (code !== 'forbidden' || path === '/v1/me') return false;
  // Not even an admin may do everything; but somebody else may have signed in, in another window.
  const account = await call('GET', '/v1/me');
  if (account.role !== 'customer') return false;
  return resume(notStaff(account));
});

/**
 * Who of the staff is signed in. Asks until somebody is.
 * @returns {Promise<Member>}
 */
export async function staff() {
  if (waiting) return waiting.promise;
  if (!mayBeSignedIn()) return ask();
  for (;;) {
    try {
      const account = await call('GET', '/v1/me');
      complain(the('staff-notice'));
      // Somebody has signed in meanwhile.
      if (current && current.id === account.id) return current;
      if (account.role !== 'customer') return welcome(account);
      return await ask(notStaff(account));
    } catch (error) {
      complain(the('staff-notice'), wordsOf(error));
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}

/** Leaves nothing on the page. */
export async function signOut() {
  try {
    await call('DELETE', '/v1/web/sessions/current');
  } catch (error) {
    if (!(error instanceof Refused && error.problem.status === 401)) throw error;
  }
  location.reload();
}

onSubmit('staff-sign-in', signIn);
the('staff').addEventListener('cancel', (/** @type {Event} */ event) => event.preventDefault());
// Browsers let nobody be kept from closing a dialog.
the('staff').addEventListener('close', () => waiting && the('staff').showModal());
windows.addEventListener('message', () => void lookAgain());
document.addEventListener('visibilitychange', () => document.hidden || void lookAgain());
// A page that the browser has put aside may show what somebody saw who has signed out.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
