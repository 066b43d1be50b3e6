// @ts-check
import { call } from './api.js';
import { announce, text, the } from './elements.js';

/**
 * @typedef {import('./api-types').components['schemas']['OfferedOption']} Option
 * @typedef {import('./api-types').components['schemas']['OfferedGroup']} Group
 * @typedef {import('./api-types').components['schemas']['MenuItem']} Item
 */

/** Every item that can be ordered, by id. @type {Map<string, Item>} */
export const items = new Map();

const EVERY = 10_000;
let version = -1;
/** @type {(() => void)[]} */
const listeners = [];

/** @param {() => void} listener */
export const onMenu = (listener) => void listeners.push(listener);

/** Reads the menu again. A browser that has the current one gets a 304, and asks its own copy. */
export async function readMenu() {
  const menu = await call('GET', '/v1/menu');
  if (menu.version === version) return;
  version = menu.version;
  items.clear();
  for (const category of menu.categories) {
    for (const item of category.items) items.set(item.id, item);
  }
  show();
  for (const listener of listeners) listener();
}

/** The page has the menu as it was when it was loaded; what sells out meanwhile says so. */
function show() {
  let changed = false;
  const shown = new Set();
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.item'))) {
    const id = element.id.slice('item-'.length);
    shown.add(id);
    const item = items.get(id);
    const availability = item?.availability ?? 'sold_out';
    changed ||= !item || element.querySelector('h3')?.textContent !== item.name;
    if (element.dataset.availability === availability) continue;
    element.dataset.availability = availability;
    const words = availability === 'in_stock' ? '' : text(availability);
    const place = element.querySelector('.availability');
    if (place) place.textContent = words;
    const button = element.querySelector('button');
    if (button) button.disabled = availability === 'sold_out';
    if (availability === 'sold_out' && item) announce(`${item.name}: ${words}`);
  }
  changed ||= [...items.keys()].some((id) => !shown.has(id));
  const notice = the('menu-notice');
  notice.hidden = !changed;
  notice.textContent = changed ? text('menu_changed') : '';
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
