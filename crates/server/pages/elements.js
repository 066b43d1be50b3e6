// @ts-check
import { texts as all } from './texts.js';

/** The language of the page. @type {string} */
export const language = document.documentElement.lang;

/** How amounts and times are written. */
export const locale = language === 'en' ? 'en-GB' : language;

/** @type {Record<string, string>} */
const texts = { ...(all[language] ?? all.en) };

/** Adds the texts of a page. @param {Record<string, Record<string, string>>} more */
export function learn(more) {
  Object.assign(texts, more[language] ?? more.en);
}

/**
 * A text of the page, with its blanks filled in.
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 */
export function text(name, values = {}) {
  return (texts[name] ?? name).replace(/\{(\w+)\}/g, (blank, key) => String(values[key] ?? blank));
}

/** Whether the page has words under this name. @param {string} name */
export const hasText = (name) => Object.hasOwn(texts, name);

/**
 * The element with this id.
 * @param {string} id
 * @returns {any}
 */
export function the(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * A new element. Children are nodes, or texts that stay texts.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-')) element.setAttribute(name, value);
    else /** @type {any} */ (element)[name] = value;
  }
  element.append(...children);
  return element;
}

/** @typedef {import('./api-types').components['schemas']['Currency']} Currency */

export const currency = /** @type {Currency} */ (document.documentElement.dataset.currency ?? 'EUR');
/** How many digits of the currency stand behind the point: by ISO 4217, from which browsers differ. */
export const digits = Number(document.documentElement.dataset.digits ?? 2);
const format = new Intl.NumberFormat(locale, {
  style: 'currency', currency, minimumFractionDigits: digits, maximumFractionDigits: digits,
});

/** An amount in minor units, as the page's language writes it. @param {number} amount */
export const money = (amount) => format.format(amount / 10 ** digits);

const duration = new Intl.NumberFormat(language, { style: 'unit', unit: 'second', unitDisplay: 'long' });

/** So many seconds, in words. @param {number} count */
export const seconds = (count) => duration.format(count);

/** Where the restaurant is; without that, where this browser is. */
export const zone = known(document.documentElement.dataset.timeZone)
  ?? known(Intl.DateTimeFormat().resolvedOptions().timeZone) ?? 'UTC';

/** A time zone, unless this browser does not know it. @param {string} [name] */
function known(name) {
  try {
    return name ? new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone : undefined;
  } catch {
    return undefined;
  }
}

/** @param {number} quantity @param {string} name */
export const times = (quantity, name) => (quantity > 1 ? `${quantity} × ${name}` : name);

/**
 * What was chosen with an item, in words.
 * @param {{ name: string, quantity: number }[]} selections
 * @param {string | null} [note]
 */
export function chosenWords(selections, note) {
  const names = selections.map(({ name, quantity }) => times(quantity, name));
  return [...names, ...(note ? [`(${note})`] : [])].join(', ');
}

/**
 * A line of a basket or of an order, and what more there is to say of it.
 * @param {(Node | string)[]} name
 * @param {number} sum
 * @param {...Node} more
 */
export const lineOf = (name, sum, ...more) => make('li', { className: 'line' },
  make('span', { className: 'name' }, ...name), make('span', { className: 'sum' }, money(sum)), ...more);

/**
 * Whether a button does nothing for now. One that was `disabled` would lose the focus.
 * @param {HTMLElement} button
 * @param {boolean} off
 */
export const turnOff = (button, off) => button.setAttribute('aria-disabled', String(off));

/** @param {Element} button */
export const isOff = (button) => button.getAttribute('aria-disabled') === 'true';

/** Tells people who do not see the page. @param {string} words */
export function announce(words) {
  const place = the('announcements');
  // What is behind an open dialog is not read out.
  const within = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
  if (place.parentElement !== within) within.append(place);
  place.textContent = words;
}

/** Opens a dialog, or leaves it open. @param {string} id */
export function openDialog(id) {
  if (!the(id).open) the(id).showModal();
}

/** @param {string[]} codes of allergens */
export function allergensOf(codes) {
  const names = codes.map((code) => text(`allergen_${code}`)).join(', ');
  return names ? `${text('allergens')} ${names}` : '';
}

/**
 * Shows a problem in its place, or takes it away.
 * @param {HTMLElement} place
 * @param {string} [words]
 */
export function complain(place, words = '') {
  place.textContent = words;
  place.hidden = !words;
}

/** Lets every dialog be closed by its button. */
export function closable() {
  for (const button of document.querySelectorAll('dialog .close')) {
    button.addEventListener('click', () => button.closest('dialog')?.close());
  }
}
