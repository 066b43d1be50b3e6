// @ts-check
import { customer, signIn } from './account.js';
import { Refused, call, wordsOf } from './api.js';
import * as basket from './basket.js';
import { announce, complain, make, money, text, the } from './elements.js';
import { items, onMenu, readMenu } from './menu.js';
import { showOrder } from './order.js';

/** What is wrong with a line, by its position. @type {Map<number, string>} */
const faults = new Map();
let sending = false;

/** What a line is made of, in words. @param {basket.Line} line */
function chosen(line) {
  const options = items.get(line.menu_item_id)?.option_groups.flatMap((group) => group.options) ?? [];
  const names = line.selections.map(({ option_id, quantity }) => {
    const name = options.find((option) => option.id === option_id)?.name ?? '?';
    return quantity > 1 ? `${quantity} × ${name}` : name;
  });
  return [...names, ...(line.note ? [`(${line.note})`] : [])].join(', ');
}

/** @param {basket.Line} line @param {number} at */
function shown(line, at) {
  const item = items.get(line.menu_item_id);
  const name = item?.name ?? text('sold_out');
  const fault = faults.get(at);
  const locked = basket.isOpen();
  const quantity = make('input', {
    type: 'number', min: '1', max: '100', value: String(line.quantity), inputMode: 'numeric', disabled: locked,
    id: `line-${at}-quantity`, 'aria-label': `${text('choices_quantity')}: ${name}`,
  });
  if (fault) {
    quantity.setAttribute('aria-invalid', 'true');
    quantity.setAttribute('aria-describedby', `line-${at}-error`);
  }
  quantity.addEventListener('change', () => {
    const wanted = Math.trunc(Number(quantity.value));
    faults.delete(at);
    if (wanted >= 1 && wanted <= 100) basket.setQuantity(at, wanted);
    else show();
    the('basket-lines').querySelector(`#line-${at}-quantity`)?.focus();
  });
  const remove = make('button', { type: 'button', disabled: locked, 'aria-label': text('remove_item', { item: name }) },
    text('remove'));
  remove.addEventListener('click', () => {
    faults.clear();
    basket.remove(at);
    const next = the('basket-lines').querySelectorAll('.controls button');
    (next[Math.min(at, next.length - 1)] ?? the('basket-title').nextElementSibling).focus();
  });
  return make('li', { className: 'line' },
    make('span', { className: 'name' }, name),
    make('span', { className: 'sum' }, money(basket.lineTotal(line))),
    ...(chosen(line) ? [make('span', { className: 'chosen hint' }, chosen(line))] : []),
    make('div', { className: 'controls' }, quantity, remove),
    ...(fault ? [make('p', { className: 'error', id: `line-${at}-error` }, fault)] : []),
  );
}

export function show() {
  const lines = basket.lines();
  const count = lines.reduce((sum, line) => sum + line.quantity, 0);
  const total = money(basket.total());
  the('basket-count').textContent = String(count);
  the('basket-total').textContent = total;
  the('basket-sum').textContent = total;
  the('basket-empty').hidden = lines.length > 0;
  the('basket-lines').replaceChildren(...lines.map(shown));
  const note = the('basket-note');
  note.disabled = basket.isOpen();
  if (document.activeElement !== note) note.value = basket.note();
  const order = the('basket-order');
  order.disabled = lines.length === 0 || sending;
  if (sending) order.textContent = text('order_sending');
  else if (basket.isOpen()) order.textContent = text('order_repeat');
  else order.textContent = customer() ? text('order_place', { total }) : text('order_sign_in');
  if (basket.isOpen() && !sending && the('basket-problem').hidden) complain(the('basket-problem'), text('order_unknown'));
}

/** Says at each line what is left, and at the top what else is wrong. @param {import('./api.js').Problem} problem */
function mark(problem) {
  faults.clear();
  const lines = basket.lines();
  let words = problem.detail;
  if (problem.code === 'insufficient-stock') {
    const supplies = (problem.supplies ?? []).map((short) => text('order_supply_short', short));
    words = [text('order_changed_stock'), ...supplies].join(' ');
    for (const short of problem.items ?? []) {
      const left = short.available ? text('order_left', short) : text('order_left_none');
      lines.forEach((line, at) => line.menu_item_id === short.menu_item_id && faults.set(at, left));
    }
  }
  for (const { pointer, detail } of problem.errors ?? []) {
    const [, at] = /^\/items\/(\d+)/.exec(pointer) ?? [];
    if (at !== undefined) faults.set(Number(at), detail);
    else words += ` ${detail}`;
  }
  return words;
}

/** Codes that say for certain that this key has ordered nothing, whatever was sent before. */
const CERTAIN = new Set([
  'insufficient-stock', 'unknown-item', 'invalid-selection', 'payload-too-large',
]);
/** Codes of requests that ordered nothing, and say nothing of an earlier one under the same key. */
const NOT_LOOKED_AT = new Set([
  'unauthenticated', 'session-revoked', 'invalid-csrf-token', 'invalid-origin', 'forbidden', 'email-unverified',
  'rate-limited', 'stock-changed', 'validation-failed', 'invalid-request', 'unreadable-record',
]);

async function place() {
  const { id } = customer() ?? (await signIn());
  const begun = basket.begin(id);
  if (!begun) {
    complain(the('basket-problem'), text('order_of_another'));
    return;
  }
  const { attempt, wasUnknown } = begun;
  try {
    const order = await call('POST', '/v1/orders', { body: attempt.body, key: attempt.key });
    basket.empty();
    faults.clear();
    complain(the('basket-problem'));
    the('basket').close();
    showOrder(order);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { code } = error.problem;
    if (CERTAIN.has(code) || (NOT_LOOKED_AT.has(code) && !wasUnknown)) basket.refused();
    if (code === 'unauthenticated' || code === 'session-revoked' || code === 'invalid-csrf-token') {
      await signIn();
      return place();
    }
    complain(the('basket-problem'), mark(error.problem));
    void readMenu().catch(() => undefined);
  }
}

/** Two tabs do not send the same basket at the same time. @param {() => Promise<void>} work */
const alone = (work) => (navigator.locks ? navigator.locks.request('comanda.order', work) : work());

async function submit() {
  if (sending || basket.lines().length === 0) return;
  sending = true;
  complain(the('basket-problem'));
  show();
  try {
    await alone(async () => {
      // Another tab may have ordered it meanwhile.
      basket.readBasket();
      if (basket.lines().length > 0) await place();
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return;
    complain(the('basket-problem'), wordsOf(error));
  } finally {
    sending = false;
    show();
    const wrong = the('basket-lines').querySelector('[aria-invalid]');
    if (wrong) wrong.focus();
    else if (basket.isOpen()) announce(text('order_unknown'));
  }
}

export function checkout() {
  basket.onBasket(show);
  onMenu(show);
  the('basket-open').addEventListener('click', () => the('basket').showModal());
  the('basket-note').addEventListener('change', () => basket.setNote(the('basket-note').value.trim()));
  the('basket').querySelector('form').addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    void submit();
  });
  show();
}
