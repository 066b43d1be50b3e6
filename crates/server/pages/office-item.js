// @ts-check
import { call } from './api.js';
import { make, text } from './elements.js';
import { priced } from './office-amounts.js';
import { ask } from './office-form.js';
import { all } from './office-list.js';
import { rows } from './office-rows.js';
import { button, say } from './office-toast.js';

/** @typedef {import('./api-types').components['schemas']['MenuItem']} Item */
/** @typedef {import('./api-types').components['schemas']['OptionGroup']} Group */
/** @typedef {import('./api-types').components['schemas']['Allergen']} Allergen */
/** @typedef {import('./api-types').components['schemas']['GroupOffer']} Offer */
/** @typedef {ReturnType<typeof valuesOf>} Values */

/** @type {Allergen[]} */
const ALLERGENS = ['gluten', 'crustaceans', 'eggs', 'fish', 'peanuts', 'soybeans', 'milk', 'nuts', 'celery', 'mustard',
  'sesame', 'sulphites', 'lupin', 'molluscs'];

/** The allergens, as a question asks for them. @returns {[string, string][]} */
export const allergens = () => ALLERGENS.map((code) => [code, text(`allergen_${code}`)]);

/** What a dialog shows of an item, by the names of its questions. @param {Item} item */
const valuesOf = (item) => ({
  name: item.name,
  description: item.description,
  category: item.category,
  'price/amount': item.price.amount,
  low_stock_at: item.low_stock_at,
  station_id: item.station_id ?? '',
  allergens: item.allergens,
});

/** @param {Item} [item] @returns {Promise<import('./office-form.js').Question[]>} */
async function questions(item) {
  const [stations, menu] = await Promise.all([all('/v1/kitchen/stations'), call('GET', '/v1/menu')]);
  const categories = menu.categories.map(({ name }) => name);
  const value = /** @type {Record<string, any>} */ (item ? valuesOf(item) : {});
  const counted = !item || typeof item.stock === 'number';
  /** @type {import('./office-form.js').Question[]} */
  const asked = [
    { name: 'name', label: text('item_name'), required: true, maxLength: 120 },
    { name: 'description', label: text('item_description'), kind: 'long', maxLength: 1000 },
    { name: 'category', label: text('item_category'), required: true, maxLength: 60, suggestions: categories },
    { name: 'price/amount', label: text('price'), kind: 'money', required: true },
  ];
  const limits = { kind: /** @type {const} */ ('number'), min: 0, max: 1_000_000 };
  if (!item) asked.push({ name: 'stock', label: text('stock'), hint: text('stock_hint'), ...limits });
  if (counted) asked.push({ name: 'low_stock_at', label: text('low_stock_at'), hint: text('low_hint'), ...limits });
  asked.push({ name: 'station_id', label: text('station'), kind: 'choice', options: [
    ['', text('station_by_category')], ...stations.map(({ id, name }) => /** @type {[string, string]} */ ([id, name])),
  ] });
  asked.push({ name: 'allergens', label: text('item_allergens'), kind: 'several', options: allergens() });
  return asked.map((question) => ({ ...question, value: value[question.name] }));
}

/** The body of a request from the values of a dialog. @param {Partial<Values>} values */
function body({ 'price/amount': amount, station_id: station, low_stock_at: low, ...rest }) {
  return {
    ...rest,
    ...(amount === undefined ? {} : { price: priced(amount) }),
    ...(station === undefined ? {} : { station_id: station || null }),
    ...(low === undefined || low === null ? {} : { low_stock_at: low }),
  };
}

/** @param {() => void} again */
export async function addItem(again) {
  const item = await ask({
    title: text('item_add'),
    questions: await questions(),
    submit: text('save'),
    send: (values, key) => {
      const { name, category, stock, 'price/amount': amount } = values;
      return call('POST', '/v1/menu/items', {
        body: { ...body(values), name, category, stock, price: priced(amount) }, key,
      });
    },
  });
  if (!item) return;
  again();
  say(text('added_to_menu', { item: item.name }));
}

/** @param {string} id @param {() => void} again */
export async function editItem(id, again) {
  const path = /** @type {const} */ (`/v1/menu/items/${id}`);
  let item = await call('GET', path);
  /** @type {ReturnType<typeof body>} */
  let sent = {};
  const recipe = button(text('recipe'), { about: item.name }, () => editRecipe(id, again));
  const choices = button(text('item_choices'), { about: item.name }, () => shareOut(id, again));
  const archive = button(text('item_archive'), { about: item.name, className: 'quiet' }, async () => {
    const fresh = await call('GET', path);
    const done = await ask({
      title: text('item_archive_title', { item: item.name }), about: text('item_archive_about'), questions: [],
      submit: text('item_archive'), send: () => call('DELETE', path, { revision: fresh.revision }),
    });
    if (!done) return;
    archive.closest('dialog')?.close();
    again();
    say(text('item_archived', { item: item.name }));
  });
  const changed = await ask({
    title: item.name,
    questions: await questions(item),
    more: make('div', { className: 'several' }, choices, recipe, archive),
    submit: text('save'),
    send: (_, __, values) => {
      sent = body(values);
      return Object.keys(sent).length ? call('PATCH', path, { body: sent, revision: item.revision }) : item;
    },
    again: async () => {
      item = await call('GET', path);
      return valuesOf(item);
    },
  });
  if (!changed) return;
  again();
  if (!Object.keys(sent).length) return;
  // As it was at the end, which somebody else may have changed meanwhile.
  const before = Object.entries(valuesOf(item)).filter(([name]) => name.split('/')[0] in sent);
  const back = body(/** @type {Partial<Values>} */ (Object.fromEntries(before)));
  say(text('saved', { name: changed.name }), async () => {
    await call('PATCH', path, { body: back, revision: changed.revision });
    again();
  });
}

/** What one of an item is made of. @param {string} id @param {() => void} again */
async function editRecipe(id, again) {
  const path = /** @type {const} */ (`/v1/menu/items/${id}`);
  const [item, supplies] = await Promise.all([call('GET', path), all('/v1/supplies')]);
  /** @type {[string, string][]} */
  const choices = [['', text('choose')], ...supplies.map(({ id, name, unit }) =>
    /** @type {[string, string]} */ ([id, `${name} (${text(`unit_${unit}`)})`]))];
  const list = rows({
    legend: text('recipe_supplies'), add: text('recipe_add'), rows: item.recipe ?? [],
    questions: (part) => [
      { name: 'supply_id', label: text('supply'), kind: 'choice', options: choices, required: true,
        value: part?.supply_id },
      { name: 'amount', label: text('amount_used'), kind: 'number', min: 1, max: 1_000_000, required: true,
        value: part?.amount },
    ],
  });
  const changed = await ask({
    title: text('recipe_title', { item: item.name }), about: text('recipe_about'), questions: [], more: list.element,
    submit: text('save'),
    send: () => {
      list.check();
      const parts = list.read().map((part) => ({ supply_id: part.supply_id, amount: part.amount }));
      return call('PUT', `${path}/recipe`, { body: parts, revision: item.revision });
    },
  });
  if (!changed) return;
  again();
  say(text('saved', { name: item.name }));
}

/** Which groups of choices an item has. @param {string} id @param {() => void} again */
async function shareOut(id, again) {
  const path = /** @type {const} */ (`/v1/menu/items/${id}`);
  const [item, groups] = await Promise.all([call('GET', path), all('/v1/menu/option-groups')]);
  /** @type {[string, string][]} */
  const choices = [['', text('choose')],
    ...groups.map(({ id, name }) => /** @type {[string, string]} */ ([id, name]))];
  const limits = { kind: /** @type {const} */ ('number'), min: 0, max: 100, required: true };
  const list = rows({
    legend: text('choices_of_item'), add: text('choices_offer'), rows: item.option_groups,
    questions: (offer) => [
      { name: 'group_id', label: text('group'), kind: 'choice', options: choices, required: true, value: offer?.id },
      { name: 'min', label: text('group_min'), ...limits, value: offer?.min ?? 0 },
      { name: 'max', label: text('group_max'), ...limits, min: 1, value: offer?.max ?? 1 },
      { name: 'max_each', label: text('group_max_each'), ...limits, min: 1, value: offer?.max_each ?? 1 },
    ],
  });
  const changed = await ask({
    title: text('choices_of_item_title', { item: item.name }), about: text('choices_of_item_about'), questions: [],
    more: list.element, submit: text('save'),
    send: () => {
      list.check();
      const offers = list.read().map(/** @returns {Offer} */ (offer) => ({
        group_id: offer.group_id, min: offer.min, max: offer.max, max_each: offer.max_each,
        ...ownPrices(item, groups, offer.group_id),
      }));
      return call('PUT', `${path}/option-groups`, { body: offers, revision: item.revision });
    },
  });
  if (!changed) return;
  again();
  say(text('saved', { name: item.name }));
}

/**
 * The prices that options have on this item alone: the request replaces them all.
 * @param {Item} item
 * @param {Group[]} groups
 * @param {string} id
 */
function ownPrices(item, groups, id) {
  const offered = item.option_groups.find((group) => group.id === id);
  const options = groups.find((group) => group.id === id)?.options ?? [];
  const usual = new Map(options.map((option) => [option.id, option.price.amount]));
  const own = (offered?.options ?? []).filter(({ id, price }) => usual.get(id) !== price.amount);
  return own.length
    ? { prices: own.map(({ id, price }) => ({ option_id: id, price: priced(price.amount) })) } : {};
}
