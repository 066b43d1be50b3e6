// @ts-check
import { call, newKey } from './api.js';
import { announce, complain, make, text } from './elements.js';
import { mark, unmark } from './forms.js';
import { address } from './office-address.js';
import { fault } from './office-fields.js';
import { all, filter, problemWords, row, table, tools } from './office-list.js';
import { inUnit } from './office-supplies.js';
import { difference, inWords } from './office-times.js';
import { button, say } from './office-toast.js';

/** @typedef {import('./api-types').components['schemas']['Supply']} Supply */

const STORE = 'comanda.stocktake';

const columns = () => [
  { title: text('supply') },
  { title: text('stock_on_books'), kind: /** @type {const} */ ('number') },
  { title: text('counted') },
  { title: text('counted_result') },
];

/** What was counted and not saved: it outlives a reload. @type {Map<string, string>} */
let counts = new Map();
/** The keys of counts of which nobody knows whether they have arrived. @type {Map<string, string>} */
const keys = new Map();

function keep() {
  try {
    sessionStorage.setItem(STORE, JSON.stringify([...counts]));
  } catch {
    // It is there as long as the page is.
  }
}

function recall() {
  try {
    counts = new Map(JSON.parse(sessionStorage.getItem(STORE) ?? '[]'));
  } catch {
    counts = new Map();
  }
}

/** @param {string} words @param {string} search */
const matches = (words, search) => words.toLocaleLowerCase().includes(search.toLocaleLowerCase());

/** @param {HTMLElement} place */
export function stocktake(place) {
  const search = filter('q', text('supply_search'));
  const columnsOfTable = columns();
  const { element, body } = table(columnsOfTable, text('stocktake'));
  const problem = make('p', { className: 'problem', role: 'alert', hidden: true });
  const empty = make('p', { className: 'notice', hidden: true }, text('supplies_none'));
  const reason = make('input', { id: 'stocktake-reason', maxLength: 300, autocomplete: 'off',
    value: text('stocktake_reason', { date: inWords(new Date(), 'day') }) });
  const summary = make('p', { role: 'status' });
  const save = button(text('stocktake_save'), { className: 'primary', key: 'stocktake-save' }, saveAll);
  const form = make('form', { noValidate: true }, element,
    make('div', { className: 'tools bottom' },
      make('p', { className: 'field' }, make('label', { htmlFor: reason.id }, text('reason')), reason), save),
    summary);
  tools(place, [search]);
  place.append(make('p', { className: 'hint' }, text('stocktake_hint')), problem, empty, form);
  form.addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    save.click();
  });
  /** @type {Map<string, { supply: Supply, input: any, result: HTMLElement, row: HTMLElement, book: HTMLElement }>} */
  const lines = new Map();

  /** @param {Supply} supply */
  function line(supply) {
    const input = make('input', { id: `count-${supply.id}`, type: 'number', inputMode: 'numeric', min: '0',
      max: '1000000', step: '1', autocomplete: 'off', value: counts.get(supply.id) ?? '',
      'aria-label': text('counted_of', { item: supply.name, unit: text(`unit_${supply.unit}`) }) });
    const result = make('output', { htmlFor: input.id });
    const book = make('span', {}, inUnit(supply.stock, supply.unit));
    input.addEventListener('input', () => {
      if (input.value) counts.set(supply.id, input.value);
      else counts.delete(supply.id);
      result.textContent = '';
      keep();
    });
    const field = make('span', { className: 'count' }, input, make('span', { className: 'hint' },
      text(`unit_short_${supply.unit}`)));
    const element = row(columnsOfTable, [supply.name, book, field, result]);
    lines.set(supply.id, { supply, input, result, row: element, book });
    return element;
  }

  /** @param {{ supply: Supply, input: any, result: HTMLElement, book: HTMLElement }} line */
  async function saveOne({ supply, input, result, book }) {
    const counted = Number(input.value);
    const path = /** @type {const} */ (`/v1/supplies/${supply.id}`);
    const { stock } = await call('GET', path);
    const body = { counted, reason: reason.value.trim() };
    // Sent again, it must not undo what was sold since.
    const sent = JSON.stringify([supply.id, body]);
    const key = keys.get(sent) ?? newKey();
    keys.set(sent, key);
    await call('POST', `${path}/stock`, { body, key });
    keys.delete(sent);
    const differs = counted - stock;
    result.textContent = differs ? text('counted_differs', {
      difference: `${difference(differs)} ${text(`unit_short_${supply.unit}`)}`,
    }) : text('counted_agrees');
    book.textContent = inUnit(counted, supply.unit);
    input.value = '';
    counts.delete(supply.id);
    keep();
    return differs;
  }

  async function saveAll() {
    unmark(form);
    complain(problem);
    reason.required = true;
    const filled = [...lines.values()].filter(({ input }) => input.value || input.validity.badInput);
    for (const { input } of filled) {
      const words = fault(input, 'number');
      if (words) mark(input, words);
    }
    if (fault(reason, 'text')) mark(reason, fault(reason, 'text'));
    const first = form.querySelector('[aria-invalid]');
    if (first) return first.focus();
    if (!filled.length) return say(text('stocktake_nothing'));
    let differing = 0;
    let saved = 0;
    for (const line of filled) {
      try {
        if (await saveOne(line)) differing += 1;
        saved += 1;
      } catch (error) {
        // The others are worth keeping.
        mark(line.input, problemWords(error));
      }
    }
    summary.textContent = text('stocktake_done', { saved, differing, failed: filled.length - saved });
    announce(summary.textContent ?? '');
    form.querySelector('[aria-invalid]')?.focus();
  }

  async function read() {
    try {
      recall();
      body.replaceChildren(...(await all('/v1/supplies')).map(line));
      empty.hidden = lines.size > 0;
      form.hidden = !lines.size;
      narrow(address());
    } catch (error) {
      form.hidden = true;
      complain(problem, problemWords(error));
    }
  }

  /** @param {URLSearchParams} at */
  function narrow(at) {
    const wanted = at.get('q') ?? '';
    for (const { supply, row } of lines.values()) row.hidden = !matches(supply.name, wanted);
  }

  form.hidden = true;
  const reading = read();
  return {
    show: async (/** @type {URLSearchParams} */ at) => {
      search.follow(at);
      await reading;
      narrow(at);
    },
  };
}
