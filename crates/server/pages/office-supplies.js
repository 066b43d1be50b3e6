// @ts-check
import { call, newKey } from './api.js';
import { make, text } from './elements.js';
import { address } from './office-address.js';
import { ask, why } from './office-form.js';
import { badge, filter, listPath, listing, tools } from './office-list.js';
import { difference, number, when } from './office-times.js';
import { button, say } from './office-toast.js';

/** @typedef {import('./api-types').components['schemas']['Supply']} Supply */

/** @type {Supply['unit'][]} */
const UNITS = ['piece', 'g', 'ml'];

const columns = () => [
  { title: text('supply') },
  { title: text('stock'), kind: /** @type {const} */ ('number') },
  { title: text('low_stock_at'), kind: /** @type {const} */ ('number') },
  { title: text('availability') },
  { title: text('changed') },
];

/** @param {number} amount @param {string} unit */
export const inUnit = (amount, unit) => `${number(amount)} ${text(`unit_short_${unit}`)}`;

const limits = { kind: /** @type {const} */ ('number'), min: 0, max: 1_000_000 };

/** @param {() => void} again */
async function add(again) {
  const supply = await ask({
    title: text('supply_add'),
    questions: [
      { name: 'name', label: text('supply_name'), required: true, maxLength: 120 },
      { name: 'unit', label: text('unit'), kind: 'choice', value: 'piece',
        options: UNITS.map((unit) => [unit, text(`unit_${unit}`)]) },
      { name: 'stock', label: text('stock'), required: true, ...limits },
      { name: 'low_stock_at', label: text('low_stock_at'), hint: text('low_hint'), ...limits },
    ],
    submit: text('save'),
    send: ({ name, unit, stock, low_stock_at: low }, key) => call('POST', '/v1/supplies', {
      body: { name, unit, stock, ...(low === null ? {} : { low_stock_at: low }) }, key,
    }),
  });
  if (!supply) return;
  again();
  say(text('saved', { name: supply.name }));
}

/** @param {string} id @param {() => void} again */
async function edit(id, again) {
  const path = /** @type {const} */ (`/v1/supplies/${id}`);
  let supply = await call('GET', path);
  const away = button(text('archive'), { about: supply.name, className: 'quiet' }, async () => {
    if (await archive(supply, again)) away.closest('dialog')?.close();
  });
  const changed = await ask({
    title: supply.name,
    questions: [
      { name: 'name', label: text('supply_name'), required: true, maxLength: 120, value: supply.name },
      { name: 'low_stock_at', label: text('low_stock_at'), required: true, value: supply.low_stock_at, ...limits },
    ],
    more: make('div', { className: 'several' }, away),
    submit: text('save'),
    send: (_, __, values) => (Object.keys(values).length ? call('PATCH', path, {
      body: { name: values.name, low_stock_at: values.low_stock_at }, revision: supply.revision,
    }) : supply),
    again: async () => {
      supply = await call('GET', path);
      return { name: supply.name, low_stock_at: supply.low_stock_at };
    },
  });
  if (!changed || changed === supply) return;
  again();
  const before = { name: supply.name, low_stock_at: supply.low_stock_at };
  say(text('saved', { name: changed.name }), async () => {
    await call('PATCH', path, { body: before, revision: changed.revision });
    again();
  });
}

/** @param {Supply} supply @param {() => void} again */
async function adjust(supply, again) {
  const path = /** @type {const} */ (`/v1/supplies/${supply.id}/stock`);
  const done = await ask({
    title: text('stock_title', { item: supply.name }),
    about: text('stock_now', { stock: inUnit(supply.stock, supply.unit) }),
    questions: [
      { name: 'delta', label: text('stock_delta'), hint: text('stock_delta_hint'), required: true, ...limits,
        min: -1_000_000 },
      why(),
    ],
    submit: text('save'),
    send: async ({ delta, reason }, key) =>
      ({ delta, supply: await call('POST', path, { body: { delta, reason }, key }) }),
  });
  if (!done) return;
  again();
  const { delta, supply: { name, stock, unit } } = done;
  say(text('stock_done', { item: name, delta: difference(delta), stock: inUnit(stock, unit) }), async () => {
    await call('POST', path, { body: { delta: -delta, reason: text('undo_reason') }, key: newKey() });
    again();
  });
}

/** @param {Supply} supply @param {() => void} again */
async function archive({ id, name }, again) {
  const path = /** @type {const} */ (`/v1/supplies/${id}`);
  const { revision } = await call('GET', path);
  const done = await ask({
    title: text('supply_archive_title', { name }), about: text('supply_archive_about'), questions: [],
    submit: text('archive'), send: () => call('DELETE', path, { revision }),
  });
  if (!done) return false;
  again();
  say(text('archived', { name }));
  return true;
}

/** @param {HTMLElement} place */
export function supplies(place) {
  const search = filter('q', text('supply_search'));
  const again = () => void list(address());
  tools(place, [search],
    button(text('supply_add'), { className: 'primary', key: 'supply-add' }, () => add(again)));
  const list = listing(place, {
    caption: text('supplies'), columns: columns(), none: text('supplies_none'),
    read: (at) => call('GET', listPath('/v1/supplies', at, { q: at.get('q') })),
    cells: (supply) => [
      button(supply.name, { className: 'link', key: `edit-${supply.id}` }, () => edit(supply.id, again)),
      button(inUnit(supply.stock, supply.unit), { about: text('stock_title', { item: supply.name }), className: 'link',
        key: `stock-${supply.id}` }, () => adjust(supply, again)),
      inUnit(supply.low_stock_at, supply.unit),
      badge(text(`availability_${supply.availability}`), supply.availability), when(supply.updated_at),
    ],
  });
  return {
    show: async (/** @type {URLSearchParams} */ at) => {
      search.follow(at);
      await list(at);
    },
  };
}
