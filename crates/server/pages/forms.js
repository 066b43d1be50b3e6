// @ts-check
import { Refused, wordsOf, wordsOfViolation } from './api.js';
import { complain, isOff, make, the, turnOff } from './elements.js';

/** The ids of what is said of a field. @param {Element} input */
const describing = (input) => (input.getAttribute('aria-describedby') ?? '').split(' ').filter(Boolean);

/** Says beside its field what is wrong there. @param {any} input @param {string} words */
export function mark(input, words) {
  const place = input.closest('.field, .option, fieldset, td, li') ?? input.parentElement;
  let error = place.querySelector(':scope > .error');
  if (!error) {
    error = make('span', { className: 'error', id: `${input.id}-error` });
    place.append(error);
  }
  error.textContent = words;
  input.setAttribute('aria-invalid', 'true');
  const others = describing(input).filter((id) => id !== error.id);
  input.setAttribute('aria-describedby', [...others, error.id].join(' '));
}

/** @param {HTMLElement} form */
export function unmark(form) {
  for (const error of form.querySelectorAll('.error')) error.remove();
  for (const input of form.querySelectorAll('[aria-invalid]')) {
    input.removeAttribute('aria-invalid');
    const others = describing(input).filter((id) => !id.endsWith('-error'));
    if (others.length) input.setAttribute('aria-describedby', others.join(' '));
    else input.removeAttribute('aria-describedby');
  }
}

/** Says what is wrong with a form: of each field beside it. @param {HTMLFormElement} form @param {unknown} error */
function refuse(form, error) {
  const rest = [];
  for (const violation of (error instanceof Refused && error.problem.errors) || []) {
    const words = wordsOfViolation(violation);
    const field = form.querySelector(`input[name="${CSS.escape(violation.pointer.slice(1))}"]`);
    if (field) mark(field, words);
    else rest.push(words);
  }
  const first = firstFault(form);
  if (!first || rest.length) complain(problemOf(form), [wordsOf(error), ...rest].join(' '));
  first?.focus();
}

/** The first field that something is wrong with. @param {HTMLElement} form */
export const firstFault = (form) =>
  /** @type {HTMLElement | null} */ (form.querySelector('[aria-invalid="true"]'));

/** @param {HTMLFormElement} form @returns {any} */
const problemOf = (form) => form.querySelector('.problem');

/**
 * Sends a form, and says beside its fields what is wrong with it.
 * @param {string} id
 * @param {(form: HTMLFormElement) => Promise<void>} send
 */
export function onSubmit(id, send) {
  const form = /** @type {HTMLFormElement} */ (the(id));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = /** @type {HTMLElement} */ (form.querySelector('[type="submit"]'));
    if (isOff(button)) return;
    unmark(form);
    complain(problemOf(form));
    for (const field of form.querySelectorAll('input')) {
      if (!field.validity.valid) mark(field, field.validationMessage);
    }
    const first = firstFault(form);
    if (first) return first.focus();
    turnOff(button, true);
    try {
      await send(form);
      form.reset();
    } catch (error) {
      refuse(form, error);
    } finally {
      turnOff(button, false);
    }
  });
}

/** @param {HTMLFormElement} form @param {string} name */
export const value = (form, name) => String(new FormData(form).get(name) ?? '');
