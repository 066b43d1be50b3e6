// @ts-check
import { Refused, wordsOf } from './api.js';
import { complain, make, the } from './elements.js';

/** The id of what is said of a field in any case. @param {Element} field */
const hintOf = (field) => field.parentElement?.querySelector('.hint')?.id ?? '';

/** Puts each violation beside its field. @param {HTMLFormElement} form @param {unknown} error */
export function mark(form, error) {
  for (const old of form.querySelectorAll('.error')) old.remove();
  for (const field of form.querySelectorAll('[aria-invalid]')) {
    field.removeAttribute('aria-invalid');
    field.setAttribute('aria-describedby', hintOf(field));
  }
  const place = /** @type {HTMLElement} */ (form.querySelector('.problem'));
  complain(place);
  if (!error) return;
  const rest = [];
  for (const { pointer, detail } of (error instanceof Refused && error.problem.errors) || []) {
    if (!say(form, pointer.slice(1), detail)) rest.push(detail);
  }
  const first = /** @type {HTMLElement | null} */ (form.querySelector('[aria-invalid]'));
  if (!first || rest.length) complain(place, [wordsOf(error), ...rest].join(' '));
  first?.focus();
}

/** @param {HTMLFormElement} form @param {string} name @param {string} words */
function say(form, name, words) {
  const field = /** @type {HTMLInputElement | null} */ (form.querySelector(`input[name="${CSS.escape(name)}"]`));
  if (!field) return false;
  const id = `${field.id}-error`;
  field.setAttribute('aria-invalid', 'true');
  field.setAttribute('aria-describedby', `${hintOf(field)} ${id}`.trim());
  field.after(make('span', { className: 'error', id }, words));
  return true;
}

/**
 * Sends a form, and says beside its fields what is wrong with it.
 * @param {string} id
 * @param {(form: HTMLFormElement) => Promise<void>} send
 */
export function onSubmit(id, send) {
  const form = /** @type {HTMLFormElement} */ (the(id));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    mark(form, null);
    for (const field of form.querySelectorAll('input')) {
      if (!field.validity.valid) say(form, field.name, field.validationMessage);
    }
    const first = /** @type {HTMLElement | null} */ (form.querySelector('[aria-invalid]'));
    if (first) return first.focus();
    const button = /** @type {HTMLButtonElement} */ (form.querySelector('[type="submit"]'));
    button.disabled = true;
    try {
      await send(form);
      form.reset();
    } catch (error) {
      mark(form, error);
    } finally {
      button.disabled = false;
    }
  });
}

/** @param {HTMLFormElement} form @param {string} name */
export const value = (form, name) => String(new FormData(form).get(name) ?? '');
