// @ts-check
import { call } from './api.js';
import { allergensOf, announce, complain, make, money, text, the } from './elements.js';

/**
 * @typedef {import('./api-types').components['schemas']['OfferedOption']} Option
 * @typedef {import('./api-types').components['schemas']['OfferedGroup']} Group
 * @typedef {import('./api-types').components['schemas']['MenuItem']} Item
 */

/** Every item that can be ordered, by id. @type {Map<string, Item>} */
export const items = new Map();

const EVERY = 10_000;
/** The menu that was read last. @type {{ tag: string | null }} */
const last = { tag: null };
let isFirst = true;
/** @type {(() => void)[]} */
const listeners = [];

/** @param {() => void} listener */
export const onMenu = (listener) => void listeners.push(listener);

/** Reads the menu again, if it has changed. */
export async function readMenu() {
  const menu = await call('GET', '/v1/menu', { last });
  if (!menu) return;
  items.clear();
  for (const category of menu.categories) {
    for (const item of category.items) items.set(item.id, item);
  }
  show();
  for (const listener of listeners) listener();
}

/** What the page says above the menu. @param {string} words */
export const notice = (words) => complain(the('menu-notice'), words);

/** @param {Element | null} place @param {string} words @returns {boolean} whether that is new */
function write(place, words) {
  if (!place || place.textContent === words) return false;
  place.textContent = words;
  return true;
}

/**
 * What the page says of an item: its name, its price and its allergens.
 * @param {HTMLElement} element @param {Item} item
 * @returns {string} what is worth telling
 */
function rewrite(element, item) {
  const [title, price, about] = ['h3', '.price', '.about'].map((selector) => element.querySelector(selector));
  if (write(title, item.name)) write(element.querySelector('.add .unseen'), `: ${item.name}`);
  const told = [];
  if (write(price, money(item.price.amount))) told.push(money(item.price.amount));
  for (const [name, words] of /** @type {const} */ ([
    ['description', item.description], ['allergens', allergensOf(item.allergens)],
  ])) {
    const place = about?.querySelector(`.${name}`);
    if (words && !place) {
      const added = make('p', { className: name }, words);
      if (name === 'description') title?.after(added);
      else about?.append(added);
    } else if (!words) place?.remove();
    if (name === 'allergens' && (place?.textContent ?? '') !== words) told.push(words || text('allergens_none'));
    if (words && place) write(place, words);
  }
  return told.length ? `${item.name}: ${told.join(', ')}` : '';
}

/** The page has the menu as it was when it was loaded; what changes meanwhile is changed in place. */
function show() {
  let changed = false;
  const told = [];
  const shown = new Set();
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.item'))) {
    const id = element.id.slice('item-'.length);
    shown.add(id);
    const item = items.get(id);
    const availability = item?.availability ?? 'sold_out';
    changed ||= !item;
    const words = item && rewrite(element, item);
    if (words) told.push(words);
    if (element.dataset.availability === availability) continue;
    element.dataset.availability = availability;
    const state = availability === 'in_stock' ? '' : text(availability);
    write(element.querySelector('.availability'), state);
    const button = element.querySelector('button');
    if (button) button.disabled = availability === 'sold_out';
    if (availability === 'sold_out' && item) told.push(`${item.name}: ${state}`);
  }
  changed ||= [...items.keys()].some((id) => !shown.has(id));
  notice(changed ? text('menu_changed') : '');
  // What was read first may only be written in another way.
  if (told.length && !isFirst) announce(told.join('. '));
  isFirst = false;
}

/** Follows the menu while somebody looks at it. */
export function followMenu() {
  const again = async () => {
    if (document.visibilityState === 'visible') await readMenu().catch(() => undefined);
    setTimeout(again, EVERY);
  };
  void again();
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void readMenu().catch(() => undefined);
  });
}
