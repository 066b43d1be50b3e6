// @ts-check
import { Refused, call } from './api.js';
import { make, text } from './elements.js';
import { address } from './office-address.js';
import { ask, why } from './office-form.js';
import { badge, filter, listPath, listing, several, tools } from './office-list.js';
import { number, when } from './office-times.js';
import { button, say } from './office-toast.js';

/** @typedef {import('./api-types').components['schemas']['Account']} Account */
/** @typedef {import('./api-types').components['schemas']['LockReason']} LockReason */

/** @type {Account['role'][]} */
const ROLES = ['customer', 'staff', 'admin'];
/** @type {LockReason[]} */
const REASONS = ['too_many_failures', 'failed_again_after_lock'];

/** @typedef {{ title: string, kind?: 'number' | 'actions' | 'extra' }} Column */

/** @returns {[string, string][]} */
const roles = () => ROLES.map((role) => [role, text(`role_${role}`)]);

/** @param {string} id */
const path = (id) => /** @type {const} */ (`/v1/admin/users/${id}`);

/**
 * Takes a change of an account back, unless somebody else has changed the same meanwhile.
 * @param {string} id
 * @param {Partial<Pick<Account, 'role' | 'disabled'>>} changed
 * @param {Partial<Pick<Account, 'role' | 'disabled'>>} before
 * @param {() => void} again
 */
async function takeBack(id, changed, before, again) {
  try {
    // A change of nothing tells how the account is.
    const now = await call('PATCH', path(id), { body: {} });
    const isOther = now.role !== (changed.role ?? now.role) || now.disabled !== (changed.disabled ?? now.disabled);
    if (isOther) throw new Refused({ status: 412, code: 'precondition-failed', detail: '' });
    await call('PATCH', path(id), { body: before });
  } finally {
    again();
  }
}

/** @param {Account} account @param {() => void} again */
async function changeRole({ id, name, role }, again) {
  const changed = await ask({
    title: text('role_title', { name }), about: text('role_about'),
    questions: [{ name: 'role', label: text('role'), kind: 'choice', options: roles(), value: role }],
    submit: text('save'),
    send: (values) => call('PATCH', path(id), { body: { role: values.role } }),
  });
  if (!changed || changed.role === role) return;
  again();
  say(text('role_done', { name, role: text(`role_${changed.role}`) }),
    () => takeBack(id, { role: changed.role }, { role }, again));
}

/** @param {Account} account @param {() => void} again */
async function turn({ id, name, disabled }, again) {
  await call('PATCH', path(id), { body: { disabled: !disabled } });
  again();
  say(text(disabled ? 'account_enabled' : 'account_disabled', { name }),
    () => takeBack(id, { disabled: !disabled }, { disabled }, again));
}

/** @param {Account} account */
async function endSessions({ id, name }) {
  const done = await ask({
    title: text('sessions_title', { name }), about: text('sessions_about'), questions: [why()],
    submit: text('sessions_end'),
    send: ({ reason }) => call('DELETE', `${path(id)}/sessions`, { body: { reason } }),
  });
  if (done) say(text('sessions_done', { name }));
}

/** How many pages of accounts are searched at once. */
const PAGES = 20;

/**
 * A page of accounts. The API does not search them, so this page does: a good many at a time, and the next page goes on
 * from there.
 * @param {URLSearchParams} at
 */
async function found(at) {
  const path = (/** @type {URLSearchParams} */ at) =>
    listPath('/v1/admin/users', at, { role: at.get('role'), disabled: at.get('disabled') });
  const wanted = at.get('q')?.toLocaleLowerCase();
  if (!wanted) return call('GET', path(at));
  const here = new URLSearchParams(at);
  const data = [];
  let next = null;
  for (let page = 0; page < PAGES && !data.length; page += 1) {
    const read = await call('GET', path(here));
    data.push(...read.data.filter(({ name, email }) =>
      `${name} ${email}`.toLocaleLowerCase().includes(wanted)));
    next = read.next_cursor;
    if (!next) break;
    here.set('cursor', next);
  }
  return { data, next_cursor: next };
}

/** @param {HTMLElement} place @param {{ id: string }} member who is signed in */
export function accounts(place, member) {
  const search = filter('q', text('account_search'));
  const role = filter('role', text('role'), [['', text('all')], ...roles()]);
  const state = filter('disabled', text('account_state'), [
    ['', text('all')], ['false', text('account_on')], ['true', text('account_off')],
  ]);
  /** @type {Column[]} */
  const columns = [
    { title: text('account_holder') }, { title: text('account_address') }, { title: text('role') },
    { title: text('account_state') }, { title: text('account_since'), kind: 'extra' },
    { title: text('actions'), kind: 'actions' },
  ];
  const again = () => void list(address());
  tools(place, [search, role, state]);
  const list = listing(place, {
    caption: text('accounts'), columns, none: text('accounts_none'),
    read: found,
    cells: (account) => {
      const { id, name, disabled } = account;
      const own = id === member.id;
      return [
        own ? text('account_own', { name }) : name,
        make('span', { className: 'address' },
          account.email, ...(account.email_verified ? []
            : [make('span', { className: 'hint block' }, text('account_unverified'))])),
        button(text(`role_${account.role}`), { about: text('role_title', { name }), className: 'link',
          key: `role-${id}` }, () => changeRole(account, again)),
        badge(text(disabled ? 'account_off' : 'account_on'), disabled ? 'alarm' : 'plain'),
        when(account.created_at),
        several(
          button(text('sessions_end'), { about: name, key: `sessions-${id}` }, () => endSessions(account)),
          // Nobody locks themselves out by a slip.
          ...(own ? [] : [button(text(disabled ? 'account_enable' : 'account_disable'),
            { about: name, key: `turn-${id}` }, () => turn(account, again))])),
      ];
    },
  });
  return {
    show: async (/** @type {URLSearchParams} */ at) => {
      search.follow(at);
      role.follow(at);
      state.follow(at);
      await list(at);
    },
  };
}

/** @param {string} email */
const lockPath = (email) => /** @type {const} */ (`/v1/admin/lockouts/${encodeURIComponent(email)}`);

/** The lock of one address, as a page of a list. @param {string} email */
async function lockOf(email) {
  try {
    return { data: [await call('GET', lockPath(email))] };
  } catch (error) {
    if (error instanceof Refused && error.problem.status === 404) return { data: [] };
    throw error;
  }
}

/** @param {HTMLElement} place */
export function locks(place) {
  const search = filter('q', text('lock_search'));
  const reason = filter('reason', text('lock_reason'), [
    ['', text('all')], ...REASONS.map((name) => /** @type {[string, string]} */ ([name, text(`lock_${name}`)])),
  ]);
  /** @type {Column[]} */
  const columns = [
    { title: text('account_address') }, { title: text('lock_reason') },
    { title: text('lock_attempts'), kind: 'number' }, { title: text('lock_since'), kind: 'extra' },
    { title: text('lock_until') },
    { title: text('actions'), kind: 'actions' },
  ];
  const again = () => void list(address());
  tools(place, [search, reason]);
  const list = listing(place, {
    caption: text('locks'), columns, none: text('locks_none'),
    read: (at) => {
      const email = at.get('q');
      if (email?.includes('@')) return lockOf(email);
      return call('GET', listPath('/v1/admin/lockouts', at, { reason: at.get('reason') }));
    },
    cells: ({ email, reason, attempts, locked_at: locked, unlock_at: until }) => [
      email, text(`lock_${reason}`), number(attempts), when(locked), when(until),
      button(text('unlock'), { about: email, key: `unlock-${email}` }, async () => {
        const done = await ask({
          title: text('unlock_title', { email }), questions: [why()], submit: text('unlock'),
          send: (values) => call('DELETE', lockPath(email), { body: { reason: values.reason } }),
        });
        if (!done) return;
        again();
        say(text('unlocked', { email }));
      }),
    ],
  });
  return {
    show: async (/** @type {URLSearchParams} */ at) => {
      search.follow(at);
      reason.follow(at);
      await list(at);
    },
  };
}
