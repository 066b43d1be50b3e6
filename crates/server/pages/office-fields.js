// @ts-check
import { digits, make, text } from './elements.js';
import { inUnits, minor } from './office-amounts.js';

/**
 * What a dialog asks. `name` is where the API has it in the body, without the slash at the beginning.
 * @typedef {{ name: string, label: string, value?: any, hint?: string, required?: boolean, maxLength?: number,
 *   min?: number, max?: number, options?: [string, string][], suggestions?: string[],
 *   folded?: boolean, kind?: 'text' | 'long' | 'number' | 'money' | 'choice' | 'check' | 'several' }} Question
 * @typedef {{ name: string, element: HTMLElement, input: any, read: () => any, write: (value: any) => void,
 *   fault: () => string }} Field
 */

let count = 0;

/** @param {Question} question @returns {Field} */
export function field(question) {
  const { name, kind = 'text' } = question;
  const id = `field-${++count}`;
  const made = kind === 'several' ? several(question, id) : single(question, id);
  made.write(question.value);
  return { name, ...made };
}

/** @param {Question} question @param {string} id */
function single({ name, label, hint, required = false, kind = 'text', ...limits }, id) {
  const input = control(kind, limits);
  Object.assign(input, { id, name, required });
  const hints = hint ? [make('span', { className: 'hint', id: `${id}-hint` }, hint)] : [];
  if (hint) input.setAttribute('aria-describedby', `${id}-hint`);
  const words = make('label', { htmlFor: id }, label);
  if (kind === 'check') {
    const element = make('p', { className: 'option' }, input, words, ...hints);
    const write = (/** @type {any} */ value) => void (input.checked = Boolean(value));
    return { element, input, read: () => input.checked, write, fault: () => '' };
  }
  const list = limits.suggestions && suggestions(input, id, limits.suggestions);
  const element = make('p', { className: 'field' }, words, input, ...hints, ...(list ? [list] : []));
  return { element, input, ...reading(input, kind), fault: () => fault(input, kind) };
}

/** @param {string} kind @param {Partial<Question>} limits */
function control(kind, { maxLength, min, max, options = [] }) {
  if (kind === 'choice') {
    return make('select', {}, ...options.map(([value, words]) => make('option', { value }, words)));
  }
  const input = make(kind === 'long' ? 'textarea' : 'input', { autocomplete: 'off' });
  if (kind === 'long') input.rows = 3;
  else input.type = kind === 'check' ? 'checkbox' : kind === 'number' ? 'number' : 'text';
  if (kind === 'number') Object.assign(input, { inputMode: 'numeric', step: '1' });
  if (kind === 'money') input.inputMode = 'decimal';
  if (maxLength) input.maxLength = maxLength;
  if (min !== undefined && kind === 'number') input.min = String(min);
  if (max !== undefined && kind === 'number') input.max = String(max);
  return input;
}

/** @param {any} input @param {string} id @param {string[]} words */
function suggestions(input, id, words) {
  input.setAttribute('list', `${id}-list`);
  return make('datalist', { id: `${id}-list` }, ...words.map((value) => make('option', { value })));
}

/** How a value is read from its field, and written there. @param {any} input @param {string} kind */
function reading(input, kind) {
  const trimmed = () => input.value.trim();
  if (kind === 'number') {
    return {
      read: () => (trimmed() === '' ? null : Number(trimmed())),
      write: (/** @type {any} */ value) => void (input.value = value ?? ''),
    };
  }
  if (kind === 'money') {
    return {
      read: () => (trimmed() === '' ? null : minor(trimmed())),
      write: (/** @type {any} */ value) => void (input.value = typeof value === 'number' ? inUnits(value) : ''),
    };
  }
  return { read: trimmed, write: (/** @type {any} */ value) => void (input.value = value ?? '') };
}

/** What is wrong with what was entered. @param {any} input @param {string} kind */
export function fault(input, kind) {
  if (input.validity.badInput || (input.required && !input.value.trim())) {
    return input.validity.badInput ? text('field_number') : text('field_required');
  }
  if (kind === 'money' && input.value.trim() && Number.isNaN(minor(input.value.trim()))) {
    return text('field_amount', { example: inUnits(1250), digits });
  }
  const { rangeUnderflow, rangeOverflow, stepMismatch, valid } = input.validity;
  if (rangeUnderflow) return text('field_least', { least: input.min });
  if (rangeOverflow) return text('field_most', { most: input.max });
  if (stepMismatch) return text('field_number');
  return valid ? '' : input.validationMessage;
}

/** Check boxes that together are one value. @param {Question} question @param {string} id */
function several({ name, label, options = [], folded }, id) {
  const boxes = options.map(([value, words], at) => {
    const input = make('input', { type: 'checkbox', id: `${id}-${at}`, name, value });
    return { input, element: make('p', { className: 'option' }, input, make('label', { htmlFor: input.id }, words)) };
  });
  const fieldset = make('fieldset', { id }, make('legend', { className: folded ? 'unseen' : '' }, label),
    make('div', { className: 'boxes' }, ...boxes.map((box) => box.element)));
  const summary = make('summary', {}, label);
  const chosen = () => boxes.filter(({ input }) => input.checked);
  const sum = () => {
    const words = chosen().map((box) => box.element.textContent).join(', ');
    summary.textContent = words ? `${label}: ${words}` : label;
  };
  fieldset.addEventListener('change', sum);
  return {
    element: folded ? make('details', {}, summary, fieldset) : fieldset,
    input: boxes[0]?.input,
    read: () => chosen().map(({ input }) => input.value),
    write: (/** @type {any} */ values) => {
      for (const { input } of boxes) input.checked = (values ?? []).includes(input.value);
      sum();
    },
    fault: () => '',
  };
}
