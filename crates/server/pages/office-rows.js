// @ts-check
import { make, text } from './elements.js';
import { mark } from './forms.js';
import { field } from './office-fields.js';

/** Thrown when something was entered that need not be sent. */
export class Faulty extends Error {}

/**
 * A list in a dialog, each entry of which has the same few questions.
 * @template Entry
 * @param {{ legend: string, add: string, prefix?: string, rows: Entry[],
 *   questions: (entry?: Entry) => import('./office-fields.js').Question[],
 *   keep?: (entry: Entry) => Record<string, any> }} what `prefix` is where the API has the list in the body, and `keep`
 *   what of an entry is sent as it was
 */
export function rows({ legend, add, prefix = '', rows: entries, questions, keep = () => ({}) }) {
  const list = make('ol', { className: 'rows' });
  const button = make('button', { type: 'button' }, add);
  const element = make('fieldset', {}, make('legend', {}, legend), list, button);
  /** @type {{ element: HTMLElement, entry?: Entry, fields: import('./office-fields.js').Field[] }[]} */
  let shown = [];

  /** Pointers of the API count from the first entry. */
  function number() {
    shown.forEach(({ fields }, at) => {
      for (const { name, element: place } of fields) {
        const pointer = `${prefix}${prefix && '/'}${at}/${name}`;
        for (const input of place.querySelectorAll('input, select, textarea')) {
          /** @type {any} */ (input).name = pointer;
        }
      }
    });
  }

  /** @param {Entry} [entry] */
  function put(entry) {
    const fields = questions(entry).map(field);
    const remove = make('button', { type: 'button', className: 'quiet' }, text('row_remove'));
    const row = make('li', { className: 'row' }, ...fields.map((one) => one.element), remove);
    const one = { element: row, entry, fields };
    remove.addEventListener('click', () => {
      shown = shown.filter((other) => other !== one);
      row.remove();
      number();
      button.focus();
    });
    shown.push(one);
    list.append(row);
    number();
    return fields[0];
  }

  for (const entry of entries) put(entry);
  button.addEventListener('click', () => put().input?.focus());

  return {
    element,
    /** Fails if something is wrong that can be seen from here, and says so beside it. */
    check() {
      for (const { input, fault } of shown.flatMap(({ fields }) => fields)) {
        const words = fault();
        if (words) mark(input, words);
      }
      if (element.querySelector('[aria-invalid]')) throw new Faulty();
    },
    /** @returns {Record<string, any>[]} */
    read: () => shown.map(({ entry, fields }) => ({
      ...(entry ? keep(entry) : {}), ...Object.fromEntries(fields.map(({ name, read }) => [name, read()])),
    })),
  };
}
