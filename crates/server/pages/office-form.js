// @ts-check
import { Refused, newKey, wordsOfViolation } from './api.js';
import { complain, isOff, make, text, turnOff } from './elements.js';
import { firstFault, mark, unmark } from './forms.js';
import { field } from './office-fields.js';
import { refusal } from './office-list.js';
import { Faulty } from './office-rows.js';
import { keepToast } from './office-toast.js';

/** @typedef {import('./office-fields.js').Question} Question */

/**
 * @template Answer
 * @typedef {object} Form
 * @property {string} title
 * @property {string} [about]
 * @property {Question[]} questions
 * @property {HTMLElement} [more] what else is asked
 * @property {string} submit
 * @property {(values: Record<string, any>, key: string, changed: Record<string, any>) => Answer | Promise<Answer>} send
 *   with all
 *   values, those that differ from what the dialog began with, and a key under which the same values may be sent again
 * @property {() => Promise<Record<string, any>>} [again] what somebody else has made of the values meanwhile
 */

/**
 * The keys of what was sent and of which nobody knows whether it has arrived: a dialog that is opened again sends the
 * same values under the same one.
 * @type {Map<string, string>}
 */
const keys = new Map();

const same = (/** @type {any} */ a, /** @type {any} */ b) => JSON.stringify(a ?? '') === JSON.stringify(b ?? '');

/**
 * What a dialog comes to: what was answered, or that it was done if there was nothing in the answer.
 * @template Answer
 * @typedef {NonNullable<Answer> | (undefined extends Answer ? true : never)} Outcome
 */

/**
 * Asks in a dialog.
 * @template Answer
 * @param {Form<Answer>} form
 * @returns {Promise<Outcome<Answer> | undefined>} `undefined` if the dialog was closed
 */
export function ask({ title, about, questions, more, submit, send, again }) {
  const fields = questions.map(field);
  const begun = Object.fromEntries(questions.map(({ name }, at) => [name, fields[at].read()]));
  const problem = make('p', { className: 'problem', role: 'alert', hidden: true });
  const heading = make('h2', { id: 'asked' }, title);
  const close = make('button', { type: 'button', className: 'quiet' }, text('close'));
  const button = make('button', { type: 'submit', className: 'primary' }, submit);
  const form = make('form', { noValidate: true }, make('div', { className: 'head' }, heading, close),
    ...(about ? [make('p', { className: 'hint' }, about)] : []), problem,
    ...fields.map(({ element }) => element), ...(more ? [more] : []), make('footer', {}, button));
  const dialog = make('dialog', { 'aria-labelledby': heading.id }, form);
  const opener = /** @type {HTMLElement | null} */ (document.activeElement);
  const isSending = () => isOff(button);

  const values = () => Object.fromEntries(fields.map(({ name, read }) => [name, read()]));
  const first = () => firstFault(form);

  /** @param {unknown} error */
  function refused(error) {
    const rest = [];
    if (error instanceof Faulty) return first()?.focus();
    for (const violation of (error instanceof Refused && error.problem.errors) || []) {
      const [input, words] = [inputAt(form, violation.pointer), wordsOfViolation(violation)];
      if (input) mark(input, words);
      else rest.push(words);
    }
    if (!first() || rest.length) complain(problem, [refusal(error), ...rest].join(' '));
    first()?.focus();
  }

  /** Shows what somebody else has changed; what was entered here stays. */
  async function compare() {
    const fresh = await again?.() ?? {};
    for (const { name, input, read, write } of fields) {
      if (!(name in fresh) || same(fresh[name], begun[name])) continue;
      if (same(read(), begun[name])) write(fresh[name]);
      else if (!same(read(), fresh[name])) {
        mark(input, text('changed_to', { value: wordsFor(input, fresh[name], write) }));
      }
      begun[name] = fresh[name];
    }
    complain(problem, text('changed_meanwhile'));
    first()?.focus();
  }

  return new Promise((resolve) => {
    close.addEventListener('click', () => isSending() || dialog.close());
    dialog.addEventListener('cancel', (/** @type {Event} */ event) => isSending() && event.preventDefault());
    dialog.addEventListener('close', () => {
      keepToast(dialog);
      dialog.remove();
      if (document.activeElement === document.body) refocus(opener);
      resolve(undefined);
    });
    form.addEventListener('submit', async (/** @type {Event} */ event) => {
      event.preventDefault();
      if (isSending()) return;
      unmark(form);
      complain(problem);
      for (const { input, fault } of fields) {
        const words = fault();
        if (words) mark(input, words);
      }
      if (first()) return first()?.focus();
      const now = values();
      const changed = Object.fromEntries(Object.entries(now).filter(([name, value]) => !same(value, begun[name])));
      const sent = JSON.stringify([location.search, title, now]);
      const key = keys.get(sent) ?? newKey();
      keys.set(sent, key);
      turnOff(button, true);
      try {
        const outcome = (await send(now, key, changed)) ?? true;
        keys.delete(sent);
        resolve(/** @type {Outcome<Answer>} */ (outcome));
        dialog.close();
      } catch (error) {
        // Otherwise it may have arrived.
        if (error instanceof Faulty || (error instanceof Refused && error.problem.status < 500)) keys.delete(sent);
        const changedMeanwhile = error instanceof Refused && error.problem.status === 412 && again;
        if (changedMeanwhile) await compare().catch(refused);
        else refused(error);
      } finally {
        turnOff(button, false);
      }
    });
    document.body.append(dialog);
    dialog.showModal();
    /** @type {HTMLElement | null} */ (form.querySelector('input, select, textarea'))?.focus();
  });
}

/** The field that a pointer is about, or the nearest around it. @param {HTMLElement} form @param {string} pointer */
function inputAt(form, pointer) {
  for (let name = pointer.slice(1); name; name = name.slice(0, Math.max(0, name.lastIndexOf('/')))) {
    const input = form.querySelector(`[name="${CSS.escape(name)}"]`);
    if (input) return input;
  }
  return form.querySelector(`[name^="${CSS.escape(`${pointer.slice(1)}/`)}"]`);
}

/** A value as its field would show it. @param {any} input @param {any} value @param {(value: any) => void} write */
function wordsFor(input, value, write) {
  if (input.type === 'checkbox') return text(Array.isArray(value) ? 'changed_choice' : value ? 'yes' : 'no');
  const entered = input.value;
  write(value);
  const words = input.selectedOptions?.[0]?.textContent ?? input.value;
  input.value = entered;
  return words || text('nothing');
}

/** What opened a dialog may have been made anew with its row. @param {HTMLElement | null} opener */
export function refocus(opener) {
  const key = opener?.dataset.key;
  if (opener?.isConnected) opener.focus();
  else if (key) /** @type {HTMLElement | null} */ (document.querySelector(`[data-key="${CSS.escape(key)}"]`))?.focus();
}

/** The question why, which the API keeps in its audit log. @param {Partial<Question>} [more] @returns {Question} */
export const why = (more = {}) =>
  ({ name: 'reason', label: text('reason'), required: true, maxLength: 300, hint: text('reason_hint'), ...more });
