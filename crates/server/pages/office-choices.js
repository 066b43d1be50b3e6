// @ts-check
import { call } from './api.js';
import { make, money, text } from './elements.js';
import { priced } from './office-amounts.js';
import { ask } from './office-form.js';
import { allergens } from './office-item.js';
import { all, listPath, listing, several, tools } from './office-list.js';
import { rows } from './office-rows.js';
import { address } from './office-address.js';
import { button, say } from './office-toast.js';

/** @typedef {import('./api-types').components['schemas']['OptionGroup']} Group */
/** @typedef {import('./api-types').components['schemas']['MenuOption']} Option */
/** @typedef {import('./api-types').components['schemas']['Supply']} Supply */
/** @typedef {import('./api-types').components['schemas']['WrittenOption']} WrittenOption */
/** @typedef {ReturnType<typeof entry>} Entry */

const columns = () => [
  { title: text('group') },
  { title: text('options') },
  { title: text('actions'), kind: /** @type {const} */ ('actions') },
];

/** @param {Option} option @param {Map<string, Supply>} supplies */
function inWords({ name, price, supply }, supplies) {
  const parts = [name, ...(price.amount ? [money(price.amount)] : [])];
  const used = supply && supplies.get(supply.supply_id);
  if (used) parts.push(`${supply.amount} ${text(`unit_short_${used.unit}`)} ${used.name}`);
  return parts.join(' · ');
}

/** What the dialog shows of what the API has. @param {Option} option */
const entry = (option) => ({
  id: option.id, name: option.name, 'price/amount': option.price.amount,
  'supply/supply_id': option.supply?.supply_id ?? '', 'supply/amount': option.supply?.amount ?? null,
  allergens: option.allergens,
});

/** @param {Record<string, any>} values what the dialog has @returns {WrittenOption} what the API takes */
function option(values) {
  const supply = values['supply/supply_id'];
  return {
    ...(values.id ? { id: values.id } : {}),
    name: values.name,
    price: priced(values['price/amount'] ?? 0),
    allergens: values.allergens,
    ...(supply ? { supply: { supply_id: supply, amount: values['supply/amount'] ?? 1 } } : {}),
  };
}

/** @param {Option[]} options */
async function optionRows(options) {
  const supplies = await all('/v1/supplies');
  const choices = supplies.map(({ id, name, unit }) =>
    /** @type {[string, string]} */ ([id, `${name} (${text(`unit_${unit}`)})`]));
  return rows({
    legend: text('options'), add: text('option_add'), prefix: 'options', rows: options.map(entry),
    keep: ({ id }) => ({ id }),
    questions: (/** @type {Partial<Entry>} */ known = {}) => [
      { name: 'name', label: text('option_name'), required: true, maxLength: 120, value: known.name },
      { name: 'price/amount', label: text('price'), kind: 'money', required: true,
        value: known['price/amount'] ?? 0 },
      { name: 'supply/supply_id', label: text('supply'), kind: 'choice', value: known['supply/supply_id'],
        options: [['', text('supply_none')], ...choices] },
      { name: 'supply/amount', label: text('amount_used'), kind: 'number', min: -1_000_000, max: 1_000_000,
        value: known['supply/amount'] },
      { name: 'allergens', label: text('item_allergens'), kind: 'several', folded: true, options: allergens(),
        value: known.allergens },
    ],
  });
}

/** @param {() => void} again */
async function addGroup(again) {
  const list = await optionRows([]);
  const group = await ask({
    title: text('group_add'),
    questions: [{ name: 'name', label: text('group_name'), required: true, maxLength: 120 }],
    more: list.element,
    submit: text('save'),
    send: ({ name }, key) => {
      list.check();
      return call('POST', '/v1/menu/option-groups', { body: { name, options: list.read().map(option) }, key });
    },
  });
  if (!group) return;
  again();
  say(text('saved', { name: group.name }));
}

/** @param {string} id @param {() => void} again */
async function editGroup(id, again) {
  const path = /** @type {const} */ (`/v1/menu/option-groups/${id}`);
  const group = await call('GET', path);
  const list = await optionRows(group.options);
  const changed = await ask({
    title: group.name,
    about: text('group_about'),
    questions: [{ name: 'name', label: text('group_name'), required: true, maxLength: 120, value: group.name }],
    more: list.element,
    submit: text('save'),
    send: ({ name }) => {
      list.check();
      return call('PATCH', path, { body: { name, options: list.read().map(option) }, revision: group.revision });
    },
  });
  if (!changed) return;
  again();
  say(text('saved', { name: changed.name }));
}

/** @param {Group} group @param {() => void} again */
async function archive({ id, name }, again) {
  const path = /** @type {const} */ (`/v1/menu/option-groups/${id}`);
  const { revision } = await call('GET', path);
  const done = await ask({
    title: text('group_archive_title', { name }), about: text('group_archive_about'), questions: [],
    submit: text('archive'), send: () => call('DELETE', path, { revision }),
  });
  if (!done) return;
  again();
  say(text('archived', { name }));
}

/** @param {HTMLElement} place */
export function choices(place) {
  const again = () => void list(address());
  /** @type {Map<string, Supply>} */
  let supplies = new Map();
  tools(place, [], button(text('group_add'), { className: 'primary', key: 'group-add' }, () => addGroup(again)));
  place.append(make('p', { className: 'hint' }, text('choices_hint')));
  const list = listing(place, {
    caption: text('choices'), columns: columns(), none: text('choices_none'),
    read: async (at) => {
      const [page, known] = await Promise.all([
        call('GET', listPath('/v1/menu/option-groups', at)), all('/v1/supplies'),
      ]);
      supplies = new Map(known.map((supply) => [supply.id, supply]));
      return page;
    },
    cells: (group) => [
      button(group.name, { className: 'link', key: `edit-${group.id}` }, () => editGroup(group.id, again)),
      make('ul', { className: 'inline' },
        ...group.options.map((one) => make('li', {}, inWords(one, supplies)))),
      several(button(text('archive'), { about: group.name, className: 'quiet', key: `archive-${group.id}` },
        () => archive(group, again))),
    ],
  });
  return { show: list };
}
