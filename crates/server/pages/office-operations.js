// @ts-check
import { call } from './api.js';
import { make, text } from './elements.js';
import { address, addressWith } from './office-address.js';
import { all, filter, listPath, listing, several, tools } from './office-list.js';
import { number, when } from './office-times.js';
import { button, say } from './office-toast.js';

/** @typedef {{ title: string, kind?: 'number' | 'actions' | 'extra' }} Column */

/** A link to what an event or an entry is about. @param {string} words @param {Record<string, string>} at */
function link(words, at) {
  const element = make('a', { href: addressWith(at, true) }, words);
  element.dataset.within = '';
  return element;
}

/** @param {HTMLElement} place */
export function letters(place) {
  /** @type {Column[]} */
  const columns = [
    { title: text('letter_event') }, { title: text('letter_subscriber') },
    { title: text('letter_occurred'), kind: 'extra' },
    { title: text('letter_attempts'), kind: 'number' }, { title: text('letter_error') },
    { title: text('actions'), kind: 'actions' },
  ];
  const again = () => void list(address());
  place.append(make('p', { className: 'hint' }, text('letters_about')));
  const list = listing(place, {
    caption: text('letters'), columns, none: text('letters_none'),
    read: (at) => call('GET', listPath('/v1/admin/dead-letters', at)),
    cells: (letter) => [
      letter.type === 'item.sold_out' ? text('event_item.sold_out')
        : link(text(`event_${letter.type}`), { view: 'orders', order: letter.subject }),
      letter.subscriber, when(letter.occurred_at), number(letter.attempts),
      make('span', { className: 'fine' }, letter.error),
      several(button(text('letter_resend'), { about: String(letter.id), key: `resend-${letter.id}` }, async () => {
        // A letter that comes back is another one.
        await call('POST', `/v1/admin/dead-letters/${letter.id}/resend`, { key: `office-letter-${letter.id}` });
        again();
        say(text('letter_resent'));
      })),
    ],
  });
  return { show: list };
}

/** @type {import('./api-types').components['schemas']['AuditedAction'][]} */
const ACTIONS = ['account.appointed', 'account.unlocked', 'account.role_changed', 'account.disabled',
  'account.enabled', 'account.sessions_closed', 'menu_item.stock_adjusted', 'menu_item.added', 'menu_item.edited',
  'menu_item.archived', 'menu_item.options_changed', 'menu_item.recipe_changed', 'option_group.added',
  'option_group.edited', 'option_group.archived', 'supply.added', 'supply.edited', 'supply.archived',
  'supply.stock_adjusted', 'station.added', 'station.edited', 'station.archived', 'flag.set', 'order.cancelled',
  'payment.settled', 'payment.refunded', 'payment.refund_failed', 'payment.mismatched', 'payment.disputed',
  'dead_letter.resent'];

/** @param {HTMLElement} place */
export function log(place) {
  const action = filter('action', text('log_action'), [
    ['', text('all')], ...ACTIONS.map((name) => /** @type {[string, string]} */ ([name, text(`action_${name}`)])),
  ]);
  const target = filter('q', text('log_target'));
  /** @type {Column[]} */
  const columns = [
    { title: text('log_action') }, { title: text('log_when') }, { title: text('log_actor') },
    { title: text('log_target') }, { title: text('reason') },
  ];
  tools(place, [action, target]);
  /** The names of those who may do what is logged. @type {Map<string, string> | undefined} */
  let names;
  const list = listing(place, {
    caption: text('log'), columns, none: text('log_none'),
    read: async (at) => {
      names ??= new Map((await Promise.all([all('/v1/admin/users', { role: 'staff' }),
        all('/v1/admin/users', { role: 'admin' })])).flat().map(({ id, name }) => [id, name]));
      return call('GET', listPath('/v1/admin/audit-log', at, { action: at.get('action'), target: at.get('q') }));
    },
    cells: (entry) => [
      text(`action_${entry.action}`), when(entry.created_at),
      entry.actor_id ? names?.get(entry.actor_id) ?? entry.actor_id : text('log_nobody'),
      make('span', { className: 'fine' }, entry.target), entry.reason ?? '',
    ],
  });
  return {
    show: async (/** @type {URLSearchParams} */ at) => {
      action.follow(at);
      target.follow(at);
      await list(at);
    },
  };
}
