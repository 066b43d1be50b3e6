// @ts-check
import * as basket from './basket.js';
import { announce, complain, make, money, text, the } from './elements.js';
import { items, onMenu } from './menu.js';

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
  const allergens = option.allergens.map((code) => text(`allergen_${code}`)).join(', ');
  const price = option.price.amount;
  const notes = [soldOut ? text('sold_out') : '', allergens ? `${text('allergens')} ${allergens}` : ''];
  const note = notes.filter(Boolean).join(' · ');
  return make('div', { className: 'option' }, input,
    make('label', { htmlFor: id },
      make('span', { className: 'name' }, option.name, ' ', make('span', { className: 'hint' }, note)),
      ...(price ? [make('span', {}, `${price > 0 ? '+' : ''}${money(price)}`)] : [])));
}

/** @param {import('./menu.js').Group} group */
function fieldset(group) {
  const error = make('p', { className: 'error', id: `group-${group.id}-error`, hidden: true });
  return make('fieldset', { id: `group-${group.id}`, 'aria-describedby': error.id },
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
    let words = '';
    if (count < group.min) words = text('choices_too_few', { min: group.min });
    else if (count > group.max) words = text('choices_too_many', { max: group.max });
    else if (most) words = text('choices_too_many', { max: group.max_each });
    const error = the(`group-${group.id}-error`);
    complain(error, words);
    if (words) first ??= the(`group-${group.id}`).querySelector('input:not(:disabled)');
  }
  const field = the('choices-quantity');
  const inRange = quantity() >= 1 && quantity() <= 100;
  if (inRange) field.removeAttribute('aria-invalid');
  else field.setAttribute('aria-invalid', 'true');
  return first ?? (inRange ? null : field);
}

/** @param {string} id */
function open(id) {
  item = items.get(id) ?? null;
  if (!item) return;
  form().reset();
  the('choices-quantity').removeAttribute('aria-invalid');
  the('choices-title').textContent = item.name;
  the('choices-description').textContent = item.description;
  const allergens = item.allergens.map((code) => text(`allergen_${code}`)).join(', ');
  the('choices-allergens').textContent = allergens ? `${text('allergens')} ${allergens}` : '';
  the('choices-groups').replaceChildren(...item.option_groups.map(fieldset));
  showPrice();
  the('choices').showModal();
}

/** An option that sells out while somebody chooses cannot be chosen any more. */
function follow() {
  const current = item && items.get(item.id);
  if (!current || !the('choices').open) return;
  item = current;
  for (const option of current.option_groups.flatMap((group) => group.options)) {
    const input = /** @type {HTMLInputElement | null} */ (document.getElementById(`option-${option.id}`));
    if (input) input.disabled = option.availability === 'sold_out';
  }
  showPrice();
}

export function choices() {
  onMenu(follow);
  the('menu').addEventListener('click', (/** @type {Event} */ event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest('[data-item]');
    if (button) open(/** @type {HTMLElement} */ (button).dataset.item ?? '');
  });
  form().addEventListener('input', showPrice);
  form().addEventListener('submit', (event) => {
    event.preventDefault();
    const wrong = check();
    if (wrong) return wrong.focus();
    if (!item) return;
    if (basket.add(line())) announce(text('added', { item: item.name }));
    else if (basket.isOpen()) the('basket').showModal();
    the('choices').close();
  });
}
