// @ts-check
import { call, newKey } from './api.js';
import { make, money, text } from './elements.js';
import { address } from './office-address.js';
import { ask, why } from './office-form.js';
import { addItem, editItem } from './office-item.js';
import { badge, filter, listPath, listing, several, tools } from './office-list.js';
import { difference, number } from './office-times.js';
import { button, say } from './office-toast.js';

/** @typedef {import('./api-types').components['schemas']['MenuItem']} Item */

const columns = () => [
  { title: text('item') },
  { title: text('price'), kind: /** @type {const} */ ('number') },
  { title: text('stock'), kind: /** @type {const} */ ('number') },
  { title: text('availability') },
  { title: text('actions'), kind: /** @type {const} */ ('actions') },
];

/** The most items that are looked up one by one. */
const MOST = 100;

/** Those that are short, from the whole menu, with what only staff see. */
async function short() {
  const menu = await call('GET', '/v1/menu');
  const items = menu.categories.flatMap((category) => category.items);
  const wanted = items.filter((item) => item.availability !== 'in_stock').slice(0, MOST);
  const data = await Promise.all(wanted.map(({ id }) => call('GET', `/v1/menu/items/${id}`)));
  return { data, next_cursor: null };
}

/**
 * Anybody may read the menu: somebody who has been signed out sees it as a customer does, and is asked to sign in.
 * @param {() => Promise<import('./office-list.js').Page<Item>>} read
 */
async function asStaff(read) {
  const page = await read();
  if (page.data.every(({ version }) => typeof version === 'number')) return page;
  await call('GET', '/v1/me');
  return read();
}

/** @param {Item} item @param {number} delta @param {string} reason @param {string} [key] */
const adjust = (item, delta, reason, key = newKey()) =>
  call('POST', `/v1/menu/items/${item.id}/stock`, { body: { delta, reason }, key });

/** @param {Item} item @param {() => void} again */
async function sellOut(item, again) {
  // What is left now, not when the list was read.
  const stock = (await call('GET', `/v1/menu/items/${item.id}`)).stock ?? 0;
  if (stock > 0) await adjust(item, -stock, text('item_sold_out_reason'));
  again();
  say(text('item_sold_out_done', { item: item.name }), stock > 0 ? async () => {
    await adjust(item, stock, text('item_sold_out_undone'));
    again();
  } : undefined);
}

/** @param {Item} item @param {boolean} active @param {() => void} again */
async function turn(item, active, again) {
  const changed = await call('PATCH', `/v1/menu/items/${item.id}`, { body: { active }, revision: item.revision })
    .finally(again);
  say(text(active ? 'item_on_done' : 'item_off_done', { item: item.name }), async () => {
    await call('PATCH', `/v1/menu/items/${item.id}`, { body: { active: !active }, revision: changed.revision });
    again();
  });
}

/** @param {Item} item @param {() => void} again */
async function restock(item, again) {
  const changed = await ask({
    title: text('stock_title', { item: item.name }),
    about: text('stock_now', { stock: number(item.stock ?? 0) }),
    questions: [
      { name: 'delta', label: text('stock_delta'), kind: 'number', required: true, hint: text('stock_delta_hint'),
        min: -1_000_000, max: 1_000_000 },
      why(),
    ],
    submit: text('save'),
    send: async ({ delta, reason }, key) => ({ delta, item: await adjust(item, delta, reason, key) }),
  });
  if (!changed) return;
  again();
  const { delta, item: { stock } } = changed;
  say(text('stock_done', { item: item.name, delta: difference(delta), stock: number(stock ?? 0) }), async () => {
    await adjust(item, -delta, text('undo_reason'));
    again();
  });
}

/** @param {Item} item @param {() => void} again */
function cells(item, again) {
  const about = item.name;
  const { stock: left } = item;
  const counted = typeof left === 'number';
  const edit = button(item.name, { className: 'link', key: `edit-${item.id}` }, () => editItem(item.id, again));
  const stock = counted
    ? button(number(left), { about: text('stock_title', { item: about }), className: 'link',
      key: `stock-${item.id}` }, () => restock(item, again))
    : text('stock_uncounted');
  const state = item.active ? badge(text(`availability_${item.availability}`), item.availability)
    : badge(text('item_off'), 'faint');
  return [
    make('span', {}, edit, make('span', { className: 'hint block' }, item.category)),
    money(item.price.amount), stock, state,
    several(
      ...(counted && left > 0
        ? [button(text('item_sell_out'), { about, key: `sold-${item.id}` }, () => sellOut(item, again))] : []),
      button(text(item.active ? 'item_turn_off' : 'item_turn_on'), { about, key: `turn-${item.id}` },
        () => turn(item, !item.active, again))),
  ];
}

/** @param {HTMLElement} place */
export function menu(place) {
  const search = filter('q', text('item_search'));
  const category = filter('category', text('item_category'), [['', text('all')]]);
  const only = filter('only', text('availability'), [['', text('all')], ['short', text('availability_short')]]);
  const again = () => void list(address());
  const add = button(text('item_add'), { className: 'primary', key: 'item-add' }, () => addItem(again));
  tools(place, [search, category, only], add);
  const list = listing(place, {
    caption: text('menu'), columns: columns(), none: text('menu_none'),
    read: (at) => asStaff(() => (at.get('only') === 'short' ? short()
      : call('GET', listPath('/v1/menu/items', at, { q: at.get('q'), category: at.get('category') })))),
    cells: (item) => cells(item, again),
  });
  /** Categories are those of the menu. */
  const categories = call('GET', '/v1/menu').then(({ categories }) => {
    category.element.querySelector('select')?.append(
      ...categories.map(({ name }) => make('option', { value: name }, name)));
  }, () => undefined);
  return {
    show: async (/** @type {URLSearchParams} */ at) => {
      await categories;
      for (const { follow } of [search, category, only]) follow(at);
      await list(at);
    },
  };
}
