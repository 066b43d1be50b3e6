// @ts-check
import { onCustomer, seemsSignedIn, signIn, whoIsSignedIn } from './account.js';
import { Refused, call, isSignedOut, wordsOf, wordsOfProblem, wordsOfViolation } from './api.js';
import * as basket from './basket.js';
import {
  announce, chosenWords, complain, isOff, lineOf, make, money, openDialog, text, the, turnOff,
} from './elements.js';
import { firstFault, mark } from './forms.js';
import { items, onMenu, readMenu } from './menu.js';
import { showOrder } from './order.js';
import { askForQuote, forgetQuote, quoteOf } from './quote.js';

/** How long a basket stays as it is before a quote is asked for. */
const SETTLED = 500;

/** What is wrong with a line, by its position. @type {Map<number, string>} */
const faults = new Map();
let sending = false;
/** Whether the basket stays as it is: it is being ordered, or may have been. */
const isLocked = () => sending || basket.isOpen();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** What the customer is shown that the basket costs. */
const total = () => (basket.isOpen() ? null : quoteOf(basket.body()))?.total.amount ?? basket.total();

/** What a line is made of, in words. @param {basket.Line} line */
function chosen(line) {
  const options = items.get(line.menu_item_id)?.option_groups.flatMap((group) => group.options) ?? [];
  const named = line.selections.map(({ option_id, quantity }) =>
    ({ name: options.find((option) => option.id === option_id)?.name ?? '?', quantity }));
  return chosenWords(named, line.note);
}

/** @param {basket.Line} line @param {number} at */
function shown(line, at) {
  const item = items.get(line.menu_item_id);
  const name = item?.name ?? text('sold_out');
  const fault = faults.get(at);
  // What is locked keeps the focus.
  const locked = isLocked();
  const quantity = make('input', {
    type: 'number', min: '1', max: '100', required: true, defaultValue: String(line.quantity), inputMode: 'numeric',
    readOnly: locked, id: `line-${at}-quantity`, 'aria-label': `${text('choices_quantity')}: ${name}`,
  });
  quantity.addEventListener('change', () => {
    if (!quantity.validity.valid) return mark(quantity, text('choices_quantity_range'));
    faults.delete(at);
    basket.setQuantity(line, at, Number(quantity.value));
    // The focus may be on its way to what would be replaced now.
    setTimeout(() => {
      quantity.defaultValue = quantity.value;
      show();
    });
  });
  const remove = make('button', {
    type: 'button', id: `line-${at}-remove`, 'aria-label': text('remove_item', { item: name }),
  }, text('remove'));
  turnOff(remove, locked);
  remove.addEventListener('click', () => {
    if (isOff(remove)) return;
    faults.clear();
    basket.remove(line, at);
    const next = the('basket-lines').querySelectorAll('.controls button');
    (next[Math.min(at, next.length - 1)] ?? the('basket-title').nextElementSibling).focus();
  });
  const before = basket.priceBefore(line);
  const now = basket.lineTotal({ ...line, quantity: 1 });
  const changed = before === undefined ? '' : text('price_changed', { before: money(before), now: money(now) });
  const shownLine = lineOf([name], basket.lineTotal(line),
    ...(chosen(line) ? [make('span', { className: 'chosen hint' }, chosen(line))] : []),
    ...(changed ? [make('p', { className: 'changed' }, changed)] : []),
    make('div', { className: 'controls' }, quantity, remove));
  if (fault) mark(quantity, fault);
  return shownLine;
}

/** The fields of the quantities. @returns {HTMLInputElement[]} */
const quantities = () => [...the('basket-lines').querySelectorAll('input')];

function showLines() {
  const place = the('basket-lines');
  // What somebody is typing shows the lines again when it is complete.
  if (quantities().some((field) => field.value !== field.defaultValue || field.validity.badInput)) return;
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  place.replaceChildren(...basket.lines().map(shown));
  if (focused?.id) document.getElementById(focused.id)?.focus();
}

export function show() {
  const lines = basket.lines();
  const isOpen = basket.isOpen();
  const count = lines.reduce((sum, line) => sum + line.quantity, 0);
  const sum = money(total());
  the('basket-count').textContent = String(count);
  the('basket-total').textContent = sum;
  the('basket-sum').textContent = sum;
  the('basket-empty').hidden = lines.length > 0;
  showLines();
  complain(the('basket-unkept'), lines.length > 0 && !basket.isKept() ? text('basket_unkept') : '');
  const note = the('basket-note');
  note.readOnly = isLocked();
  if (document.activeElement !== note) note.value = basket.note();
  const order = the('basket-order');
  turnOff(order, lines.length === 0 || sending);
  if (sending) order.textContent = text('order_sending');
  else if (isOpen) order.textContent = text('order_repeat');
  else order.textContent = seemsSignedIn() ? text('order_place', { total: sum }) : text('order_sign_in');
  the('basket-discard').hidden = !isOpen || sending;
  if (isOpen && !sending && the('basket-problem').hidden) complain(the('basket-problem'), text('order_unknown'));
}

/**
 * Says at each line what is left; the words are about what no line names.
 * @param {import('./quote.js').Quote['shortages']} shortages
 */
function markShortages({ items: shortItems, supplies }) {
  for (const short of shortItems ?? []) {
    const left = short.available ? text('order_left', short) : text('order_left_none');
    basket.lines().forEach((line, at) => line.menu_item_id === short.menu_item_id && faults.set(at, left));
  }
  return (supplies ?? []).map((short) => text('order_supply_short', short)).join(' ');
}

/** Says what the basket will cost, and what is short, once it stays as it is. */
function quoteSoon() {
  clearTimeout(timer);
  complain(the('basket-short'));
  if (!the('basket').open || !seemsSignedIn() || sending || basket.isOpen() || basket.lines().length === 0) return;
  timer = setTimeout(async () => {
    const body = basket.body();
    const quote = await askForQuote(body);
    if (!quote || sending || basket.isOpen() || body !== basket.body()) return;
    faults.clear();
    complain(the('basket-short'), markShortages(quote.shortages));
    show();
  }, SETTLED);
}

/** Says at each line what is left, and at the top what else is wrong. @param {import('./api.js').Problem} problem */
function markProblem(problem) {
  faults.clear();
  let words = wordsOfProblem(problem);
  if (problem.code === 'idempotency-key-reused') words = text('order_before');
  if (problem.code === 'insufficient-stock') {
    words = [text('order_changed_stock'), markShortages(problem)].join(' ').trim();
  }
  for (const violation of problem.errors ?? []) {
    const [, at] = /^\/items\/(\d+)/.exec(violation.pointer) ?? [];
    if (at !== undefined) faults.set(Number(at), wordsOfViolation(violation));
    else words += ` ${wordsOfViolation(violation)}`;
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

/** @typedef {{ body: string, sum: number }} Shown what a customer who orders has seen, and what it costs */

/** Whether the order will cost what the customer was shown, as far as that can be found out. @param {Shown} shown */
async function costsAsShown({ body, sum }) {
  const quote = await askForQuote(body);
  if (!quote || quote.total.amount === sum) return true;
  const [before, now] = [sum, quote.total.amount].map(money);
  complain(the('basket-problem'), text('order_total_changed', { before, now }));
  void readMenu().catch(() => undefined);
  return false;
}

/**
 * @param {string} id of the customer
 * @param {Shown} shown
 * @returns {Promise<boolean>} whether somebody has to sign in first
 */
async function place(id, shown) {
  // Another tab may have ordered it meanwhile, or changed it; and once more while it is found out what it costs.
  basket.readBasket();
  if (basket.body() === shown.body && !basket.isOpen() && !(await costsAsShown(shown))) return false;
  // The cookie may be another customer's by now, and so would the key be.
  if ((await whoIsSignedIn())?.id !== id) return true;
  const begun = basket.begin(id, shown.body);
  if (typeof begun === 'string') {
    complain(the('basket-problem'), text(begun));
    return false;
  }
  const { key, body, wasOpen } = begun;
  try {
    const order = await call('POST', '/v1/orders', { body, key });
    basket.placed(key);
    faults.clear();
    complain(the('basket-problem'));
    the('basket').close();
    showOrder(order);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { code } = error.problem;
    if (CERTAIN.has(code) || (NOT_LOOKED_AT.has(code) && !wasOpen)) basket.endAttempt(key);
    if (isSignedOut(error)) return true;
    forgetQuote();
    complain(the('basket-problem'), markProblem(error.problem));
    void readMenu().catch(() => undefined);
  }
  return false;
}

/** Two tabs do not send the same basket at the same time. @param {() => Promise<boolean>} work */
const alone = (work) => (navigator.locks ? navigator.locks.request('comanda.order', work) : work());

async function submit() {
  if (sending || basket.lines().length === 0) return;
  const invalid = quantities().find(({ validity }) => !validity.valid);
  if (invalid) {
    mark(invalid, text('choices_quantity_range'));
    announce(text('choices_quantity_range'));
    return invalid.focus();
  }
  const shown = { body: basket.body(), sum: total() };
  clearTimeout(timer);
  sending = true;
  complain(the('basket-problem'));
  complain(the('basket-short'));
  askAgain();
  show();
  try {
    let who = await whoIsSignedIn();
    // Nobody else waits while somebody types a password.
    for (let again = true; again; ) {
      const { id } = who ?? (await signIn());
      again = await alone(() => place(id, shown));
      who = null;
    }
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return;
    complain(the('basket-problem'), basket.isOpen() ? text('order_unknown') : wordsOf(error));
  } finally {
    sending = false;
    show();
    const wrong = firstFault(the('basket-lines'));
    if (wrong) wrong.focus();
    else if (basket.isOpen()) announce(text('order_unknown'));
  }
}

/** Whether to give up an attempt is asked anew. */
function askAgain() {
  the('basket-discard-ask').hidden = false;
  the('basket-discard-sure').hidden = true;
}

/** An attempt of which nobody knows whether it has arrived can be given up by whoever has read what may come of it. */
function discarding() {
  the('basket-discard-ask').addEventListener('click', () => {
    the('basket-discard-ask').hidden = true;
    the('basket-discard-sure').hidden = false;
    the('basket-discard-words').focus();
  });
  the('basket-discard-no').addEventListener('click', () => {
    the('basket-order').focus();
    void submit();
  });
  the('basket-discard-yes').addEventListener('click', async () => {
    // Another tab may be sending it right now: then this is about what comes of that.
    await alone(async () => {
      askAgain();
      complain(the('basket-problem'));
      if (basket.isOpen()) {
        basket.giveUp();
        announce(text('order_discarded'));
      }
      return false;
    });
    the('basket-title').focus();
  });
}

export function checkout() {
  basket.onBasket(() => {
    show();
    quoteSoon();
  });
  onMenu(() => {
    forgetQuote();
    show();
    quoteSoon();
  });
  onCustomer(() => {
    show();
    quoteSoon();
  });
  discarding();
  the('basket-open').addEventListener('click', () => {
    askAgain();
    openDialog('basket');
    quoteSoon();
  });
  the('basket-note').addEventListener('change', () => basket.setNote(the('basket-note').value.trim()));
  the('basket').querySelector('form').addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    void submit();
  });
  show();
}
