// @ts-check
import { wordsOf } from './api.js';
import * as basket from './basket.js';
import {
  allergensOf, announce, complain, isOff, make, money, openDialog, text, the, turnOff,
} from './elements.js';
import { items, notice, onMenu, readMenu } from './menu.js';

/** @type {import('./menu.js').Item | null} */
let item = null;

const form = () => /** @type {HTMLFormElement} */ (the('choices').querySelector('form'));

/** @param {import('./menu.js').Group} group */
function bounds({ min, max }) {
  if (min === max) return text('choices_exactly', { min });
  return min ? text('choices_between', { min, max }) : text('choices_up_to', { max });
}

/**
 * One of a group is a radio button, some of it are check boxes, and an option that can be chosen more than once has a
 * number.
 * @param {import('./menu.js').Group} group @param {import('./menu.js').Option} option
 */
function choice(group, option) {
  const id = `option-${option.id}`;
  const soldOut = option.availability === 'sold_out';
  const input = make('input', { id, name: group.id, value: option.id, disabled: soldOut, 'data-option': option.id });
  if (group.max_each > 1 && group.max > 1) {
    Object.assign(input, { type: 'number', inputMode: 'numeric', min: '0', value: '0' });
    input.max = String(Math.min(group.max_each, group.max));
  } else {
    input.type = group.max === 1 && group.min === 1 ? 'radio' : 'checkbox';
  }
  const price = option.price.amount;
  const notes = [soldOut ? text('sold_out') : '', allergensOf(option.allergens)];
  const note = notes.filter(Boolean).join(' · ');
  return make('div', { className: 'option' }, input,
    make('label', { htmlFor: id },
      make('span', { className: 'name' }, option.name, ' ', make('span', { className: 'hint' }, note)),
      ...(price ? [make('span', {}, `${price > 0 ? '+' : ''}${money(price)}`)] : [])));
}

/** @param {import('./menu.js').Group} group */
function fieldset(group) {
  const error = make('p', { className: 'error', id: `group-${group.id}-error`, hidden: true });
  return make('fieldset', { id: `group-${group.id}`, tabIndex: -1, 'aria-describedby': error.id },
    make('legend', {}, group.name, ' ', make('span', { className: 'hint' }, bounds(group))),
    error,
    ...group.options.map((option) => choice(group, option)));
}

/** What is chosen of a group. @param {import('./menu.js').Group} group @returns {basket.Selection[]} */
function selected(group) {
  const inputs = /** @type {NodeListOf<HTMLInputElement>} */ (
    the(`group-${group.id}`).querySelectorAll('input[data-option]'));
  return [...inputs].flatMap((input) => {
    const counted = input.type === 'number';
    const quantity = counted ? Math.max(0, Math.trunc(Number(input.value)) || 0) : Number(input.checked);
    return quantity && !input.disabled ? [{ option_id: input.dataset.option ?? '', quantity }] : [];
  });
}

const quantity = () => Math.trunc(Number(the('choices-quantity').value)) || 0;

/** @returns {basket.Line} */
function line() {
  const groups = item?.option_groups ?? [];
  return {
    menu_item_id: item?.id ?? '',
    quantity: quantity(),
    selections: groups.flatMap(selected),
    note: the('choices-note').value.trim(),
  };
}

function showPrice() {
  the('choices-price').textContent = item ? money(basket.lineTotal(line())) : '';
}

/** Says beside each group what is missing. @returns {HTMLElement | null} the first field at fault */
function check() {
  let first = null;
  for (const group of item?.option_groups ?? []) {
    const chosen = selected(group);
    const count = chosen.reduce((sum, { quantity }) => sum + quantity, 0);
    const most = chosen.some(({ quantity }) => quantity > group.max_each);
    const place = the(`group-${group.id}`);
    const isBroken = [...place.querySelectorAll('input[type="number"]')].some(({ validity }) =>
      validity.badInput || validity.stepMismatch || validity.rangeUnderflow);
    let words = '';
    if (isBroken) words = text('choices_no_number');
    else if (count < group.min) words = text('choices_too_few', { min: group.min });
    else if (count > group.max) words = text('choices_too_many', { max: group.max });
    else if (most) words = text('choices_too_many', { max: group.max_each });
    complain(the(`group-${group.id}-error`), words);
    // Where everything is sold out, there is no field.
    if (words) first ??= place.querySelector('input:not(:disabled)') ?? place;
  }
  const field = the('choices-quantity');
  const words = field.validity.valid ? '' : text('choices_quantity_range');
  if (words) field.setAttribute('aria-invalid', 'true');
  else field.removeAttribute('aria-invalid');
  complain(the('choices-quantity-error'), words);
  return first ?? (words ? field : null);
}

/** What there is to choose, without what is left of it: a change of it is worth a word. */
const offered = () => JSON.stringify(item && [item.name, item.price.amount, item.allergens, item.option_groups.map(
  ({ id, name, min, max, max_each, options }) => [id, name, min, max, max_each, options.map((option) =>
    [option.id, option.name, option.price.amount, option.allergens])])]);

function showItem() {
  if (!item) return;
  the('choices-title').textContent = item.name;
  the('choices-description').textContent = item.description;
  the('choices-allergens').textContent = allergensOf(item.allergens);
  the('choices-groups').replaceChildren(...item.option_groups.map(fieldset));
  showPrice();
}

/** @param {string} id */
async function open(id) {
  if (!items.has(id)) {
    // The menu was not read yet, or it has changed.
    try {
      await readMenu();
    } catch (error) {
      return notice(wordsOf(error));
    }
  }
  item = items.get(id) ?? null;
  if (!item) return notice(text('menu_changed'));
  form().reset();
  the('choices-quantity').removeAttribute('aria-invalid');
  for (const place of ['choices-notice', 'choices-problem', 'choices-quantity-error']) complain(the(place));
  turnOff(the('choices-add'), false);
  showItem();
  openDialog('choices');
}

/** @returns {Map<string, HTMLInputElement>} the fields of the options, by id */
const fields = () => new Map([...the('choices-groups').querySelectorAll('input')].map((input) => [input.id, input]));

/** The menu has changed: what was chosen stays, and what is not to be had any more is named. */
function follow() {
  if (!item || !the('choices').open) return;
  const current = items.get(item.id);
  const gone = !current || current.availability === 'sold_out';
  turnOff(the('choices-add'), gone);
  complain(the('choices-problem'), gone ? text('choices_gone', { item: item.name }) : '');
  if (!current) return;
  const wasOffered = offered();
  const wasChosen = item.option_groups.flatMap(selected).map(({ option_id }) => option_id);
  const names = new Map(item.option_groups.flatMap(({ options }) => options).map(({ id, name }) => [id, name]));
  const before = fields();
  const focused = document.activeElement?.id ?? '';
  item = current;
  showItem();
  for (const [id, input] of fields()) {
    const old = before.get(id);
    if (!old || old.type !== input.type || input.disabled) continue;
    if (input.type === 'number') input.value = old.value;
    else input.checked = old.checked;
  }
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
  showPrice();
  const left = new Set(item.option_groups.flatMap(selected).map(({ option_id }) => option_id));
  const lost = wasChosen.filter((id) => !left.has(id)).map((id) => names.get(id));
  const words = [
    offered() === wasOffered ? '' : text('choices_changed'),
    lost.length ? text('choices_lost', { options: lost.join(', ') }) : '',
  ].filter(Boolean).join(' ');
  if (words) complain(the('choices-notice'), words);
}

function submit() {
  if (isOff(the('choices-add'))) return;
  const wrong = check();
  if (wrong) return wrong.focus();
  if (!item) return;
  if (basket.add(line())) {
    the('choices').close();
    return announce(text('added', { item: item.name }));
  }
  if (!basket.isOpen()) return complain(the('choices-problem'), text('basket_full'));
  // Nothing can be added before it is known whether the basket was ordered; the basket says so.
  the('choices').close();
  openDialog('basket');
}

export function choices() {
  onMenu(follow);
  the('menu').addEventListener('click', (/** @type {Event} */ event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest('[data-item]');
    if (button) void open(/** @type {HTMLElement} */ (button).dataset.item ?? '');
  });
  form().addEventListener('input', showPrice);
  form().addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
}
