// @ts-check
import { call } from './api.js';
import { make, money, text, zone } from './elements.js';
import { address, addressWith, go } from './office-address.js';
import { badge, filter, listPath, listing, tools } from './office-list.js';
import { advance, closeOrder, next, showOrder } from './office-order.js';
import { later, when } from './office-times.js';
import { button } from './office-toast.js';

/** @typedef {import('./office-order.js').Order} Order */

/** @type {Order['status'][]} */
const STATUSES = ['pending', 'accepted', 'preparing', 'ready', 'completed', 'cancelled'];
const EVERY = 10_000;

const columns = () => [
  { title: text('order') },
  { title: text('order_placed') },
  { title: text('order_customer'), kind: /** @type {const} */ ('extra') },
  { title: text('order_status') },
  { title: text('order_payment') },
  { title: text('order_total'), kind: /** @type {const} */ ('number') },
  { title: text('order_next'), kind: /** @type {const} */ ('actions') },
];

/** How an order stands with its money. @param {import('./office-order.js').Payment[]} payments */
export function settled(payments) {
  const has = (/** @type {string[]} */ ...statuses) => payments.find(({ status }) => statuses.includes(status));
  if (payments.some(({ incidents = [] }) => incidents.some(({ status }) => OPEN.has(status)))) {
    return badge(text('payment_incident'), 'alarm');
  }
  const last = has('refunded', 'partly_refunded') ?? has('succeeded') ?? has('pending', 'requires_action');
  if (!last) return badge(text('payment_none'), 'faint');
  const counter = last.method === 'counter' && last.status === 'pending';
  return badge(text(counter ? 'payment_at_counter' : `payment_${last.status}`),
    last.status === 'succeeded' ? 'good' : 'plain');
}

const OPEN = new Set(['needs_response', 'under_review']);

/** @param {Order} order @param {() => void} again */
function cells(order, again) {
  const open = make('a', { className: 'strong', href: addressWith({ order: order.id }) }, order.number);
  open.dataset.within = '';
  open.dataset.key = `open-${order.id}`;
  const to = next(order.status);
  const forward = to
    ? button(text(`order_to_${to}`), { about: order.number, key: `next-${order.id}` }, async () => {
      await advance(order, to);
      again();
    })
    : '';
  return [
    open, when(order.created_at), order.customer?.name ?? '',
    badge(text(`order_status_${order.status}`), order.status), settled(order.payments ?? []),
    money(order.total.amount), forward,
  ];
}

/** The first moment of a date in the restaurant, as reports have it. @param {string | null} day */
async function begin(day) {
  if (!day || !/^\d{4}-\d\d-\d\d$/.test(day)) return null;
  const query = new URLSearchParams({ from: day, to: later(day, 1), interval: 'day', tz: zone });
  return (await call('GET', `/v1/analytics/sales?${query}`)).data[0]?.from ?? null;
}

/** @param {HTMLElement} place */
export function orders(place) {
  const number = filter('q', text('order_search'));
  const status = filter('status', text('order_status'), [
    ['', text('all')],
    ...STATUSES.map((name) => /** @type {[string, string]} */ ([name, text(`order_status_${name}`)])),
  ]);
  const day = filter('day', text('order_day'));
  const input = /** @type {HTMLInputElement} */ (day.element.querySelector('input'));
  input.type = 'date';
  delete input.dataset.search;
  tools(place, [number, status, day]);
  const badNumber = make('p', { className: 'hint', role: 'status' });
  place.append(badNumber);
  const again = () => void show(address());
  const show = listing(place, {
    caption: text('orders'), columns: columns(), none: text('orders_none'),
    read: async (at) => {
      const wanted = at.get('q') ?? '';
      const complete = /^[A-HJ-NP-Za-hj-np-z]\d{3}$/.test(wanted);
      badNumber.textContent = wanted && !complete ? text('order_search_hint') : '';
      const date = at.get('day');
      const [from, to] = await Promise.all([begin(date), begin(date && later(date, 1))]);
      return call('GET', listPath('/v1/orders', at, {
        include: 'customer,payments', status: at.get('status'), number: complete ? wanted : null,
        created_from: from, created_to: to,
      }));
    },
    cells: (order) => cells(order, again),
  });
  // New orders come while somebody looks.
  const timer = setInterval(() => {
    const reading = document.visibilityState === 'visible' && !document.querySelector('dialog[open]');
    if (reading && !address().has('cursor')) again();
  }, EVERY);
  let shown = '';
  return {
    show: async (/** @type {URLSearchParams} */ at) => {
      for (const { follow } of [number, status, day]) follow(at);
      const wanted = at.get('order') ?? '';
      if (wanted && wanted !== shown) {
        showOrder(wanted, () => {
          if (shown === wanted) shown = '';
          if (address().get('order') === wanted) go(addressWith({ order: null }));
        }, again);
      } else if (!wanted && shown) {
        closeOrder();
      }
      shown = wanted;
      await show(at);
    },
    leave: () => clearInterval(timer),
  };
}
