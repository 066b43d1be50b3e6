// @ts-check
import { texts as all } from './texts.js';

/** The language of the page. @type {string} */
export const language = document.documentElement.lang;

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

const currency = document.documentElement.dataset.currency ?? 'EUR';
const format = new Intl.NumberFormat(language === 'en' ? 'en-GB' : language, { style: 'currency', currency });
const digits = format.resolvedOptions().maximumFractionDigits ?? 2;

/** An amount in minor units, as the page's language writes it. @param {number} amount */
export const money = (amount) => format.format(amount / 10 ** digits);

/** Tells people who do not see the page. @param {string} words */
export function announce(words) {
  the('announcements').textContent = words;
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
