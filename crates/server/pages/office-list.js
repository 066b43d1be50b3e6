// @ts-check
import { Refused, call, wordsOf, wordsOfViolation } from './api.js';
import { address, addressWith, go } from './office-address.js';
import { complain, make, text } from './elements.js';

/** @typedef {{ title: string, kind?: 'number' | 'actions' | 'extra' }} Column */
/**
 * @template Entry
 * @typedef {{ data: Entry[], next_cursor?: string | null, unreadable?: unknown[] }} Page
 */

/** @param {Column[]} columns @param {string} caption */
export function table(columns, caption) {
  const titles = columns.map(({ title, kind = '' }) =>
    make('th', { scope: 'col', className: kind, role: 'columnheader' }, title));
  const body = make('tbody', { role: 'rowgroup' });
  const element = make('table', { role: 'table' }, make('caption', { className: 'unseen' }, caption),
    make('thead', { role: 'rowgroup' }, make('tr', { role: 'row' }, ...titles)), body);
  return { element, body };
}

/**
 * A row; on narrow screens, each cell says its title itself.
 * @param {Column[]} columns
 * @param {(Node | string)[]} cells
 */
export function row(columns, cells) {
  return make('tr', { role: 'row' }, ...cells.map((cell, at) => {
    const { title, kind = '' } = columns[at];
    if (at === 0) return make('th', { scope: 'row', role: 'rowheader' }, cell);
    return make('td', { className: kind, role: 'cell', 'data-title': kind === 'actions' ? '' : title }, cell);
  }));
}

/** Replaces rows; what had the focus has it again. @param {HTMLElement} body @param {Node[]} rows */
export function replace(body, rows) {
  const key = body.contains(document.activeElement)
    ? /** @type {HTMLElement} */ (document.activeElement).dataset.key : undefined;
  body.replaceChildren(...rows);
  if (!key) return;
  const same = body.querySelector(`[data-key="${CSS.escape(key)}"]`);
  // What was pressed may be gone; what else can be done with the same entry is nearest.
  const near = body.querySelector(`[data-key$="${CSS.escape(key.slice(key.indexOf('-')))}"]`);
  /** @type {HTMLElement | null} */ (same ?? near)?.focus();
}

/**
 * A table of what the API lists, a page at a time.
 * @template Entry
 * @param {HTMLElement} place
 * @param {{ caption: string, columns: Column[], none: string, read: (at: URLSearchParams) => Promise<Page<Entry>>,
 *   cells: (entry: Entry) => (Node | string)[] }} what
 * @returns {(at: URLSearchParams) => Promise<void>} reads and shows the page at an address
 */
export function listing(place, { caption, columns, none, read, cells }) {
  const problem = make('p', { className: 'problem', role: 'alert', hidden: true });
  const empty = make('p', { className: 'notice', hidden: true }, none);
  const { element, body } = table(columns, caption);
  const first = make('a', { className: 'button' }, text('page_first'));
  const next = make('a', { className: 'button' }, text('page_next'));
  for (const link of [first, next]) link.dataset.within = '';
  const pages = make('nav', { className: 'pages', 'aria-label': text('pages'), hidden: true }, first, next);
  place.append(problem, empty, element, pages);
  element.hidden = true;
  let reads = 0;
  return async (at) => {
    const mine = ++reads;
    element.setAttribute('aria-busy', 'true');
    let page;
    try {
      page = await read(at);
    } catch (error) {
      if (mine !== reads) return;
      // A cursor of another filter or of long ago: the list begins anew.
      const lost = error instanceof Refused && error.problem.code === 'invalid-cursor' && at.has('cursor');
      if (lost) return go(addressWith({ cursor: null }), true);
      empty.hidden = element.hidden = pages.hidden = true;
      complain(problem, problemWords(error));
      return;
    } finally {
      element.removeAttribute('aria-busy');
    }
    if (mine !== reads) return;
    const unreadable = page.unreadable?.length ?? 0;
    complain(problem, unreadable ? text('unreadable', { count: unreadable }) : '');
    replace(body, page.data.map((entry) => row(columns, cells(entry))));
    element.hidden = !page.data.length;
    empty.hidden = Boolean(page.data.length);
    first.hidden = !at.has('cursor');
    next.hidden = !page.next_cursor;
    pages.hidden = first.hidden && next.hidden;
    first.href = addressWith({ cursor: null });
    next.href = addressWith({ cursor: page.next_cursor });
  };
}

/** @param {unknown} error */
export function problemWords(error) {
  if (!(error instanceof Refused)) return wordsOf(error);
  const { errors } = error.problem;
  return [refusal(error), ...(errors ?? []).map(wordsOfViolation)].join(' ');
}

/** Why a request was refused, and who stands in the way. @param {unknown} error */
export function refusal(error) {
  const users = (error instanceof Refused && error.problem.used_by) || [];
  const names = users.map(({ name }) => name).join(', ');
  return [wordsOf(error), names].filter(Boolean).join(' ');
}

/**
 * The path of a list with those values of the address that it knows.
 * @template {string} Path
 * @param {Path} path @param {URLSearchParams} at @param {Record<string, string | null>} values by the API's names
 */
export function listPath(path, at, values = {}) {
  const query = new URLSearchParams({ limit: '50' });
  for (const [name, value] of Object.entries({ ...values, cursor: at.get('cursor') })) {
    if (value) query.set(name, value);
  }
  return /** @type {const} */ (`${path}?${query}`);
}

/**
 * Every entry of a list.
 * @template {import('./calls').Listed} Path
 * @param {Path} path @param {Record<string, string>} [values]
 * @returns {Promise<import('./calls').EntryOf<Path>[]>}
 */
export async function all(path, values = {}) {
  // Which list it is, only the caller knows.
  const read = /** @type {(method: 'GET', path: string) => Promise<Page<import('./calls').EntryOf<Path>>>} */ (call);
  const found = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: '100', ...values, ...(cursor ? { cursor } : {}) });
    const page = await read('GET', `${path}?${query}`);
    found.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor);
  return found;
}

const PAUSE = 300;

/**
 * A field that filters a list by a value of the address.
 * @param {string} name
 * @param {string} label
 * @param {[string, string][]} [choices] values and their words; without them, it is a search
 */
export function filter(name, label, choices) {
  const id = `filter-${name}`;
  const field = choices
    ? make('select', { id }, ...choices.map(([value, words]) => make('option', { value }, words)))
    : make('input', { id, type: 'search', autocomplete: 'off', maxLength: 120 });
  if (!choices) field.dataset.search = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const apply = () => {
    clearTimeout(timer);
    go(addressWith({ [name]: field.value.trim(), cursor: null }), !choices);
  };
  field.addEventListener(choices ? 'change' : 'input', () => {
    clearTimeout(timer);
    if (choices) apply();
    else timer = setTimeout(apply, PAUSE);
  });
  field.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'Enter' && !choices) apply();
  });
  // What is being typed is newer than the address.
  const follow = (/** @type {URLSearchParams} */ at) => {
    if (choices || document.activeElement !== field) field.value = at.get(name) ?? '';
  };
  follow(address());
  return { element: make('p', { className: 'field' }, make('label', { htmlFor: id }, label), field), follow };
}

/** @param {HTMLElement} place @param {{ element: HTMLElement }[]} filters @param {...HTMLElement} buttons */
export function tools(place, filters, ...buttons) {
  const about = { className: 'tools', role: 'search', 'aria-label': text('filters') };
  if (filters.length) place.append(make('div', about, ...filters.map(({ element }) => element), ...buttons));
  else if (buttons.length) place.append(make('div', { className: 'tools' }, ...buttons));
}

/** Puts several things into a cell. @param {...(Node | string)} things */
export const several = (...things) => make('span', { className: 'several' }, ...things);

/** A value that colour supports, and words tell. @param {string} words @param {string} kind */
export const badge = (words, kind) => make('span', { className: 'badge', 'data-kind': kind }, words);
