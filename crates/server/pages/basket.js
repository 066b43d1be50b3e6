// @ts-check
import { newKey } from './api.js';
import { items } from './menu.js';

/**
 * @typedef {{ option_id: string, quantity: number }} Selection
 * @typedef {{ menu_item_id: string, quantity: number, selections: Selection[], note: string, price?: number }} Line
 *   `price`: what one cost when it was chosen.
 * @typedef {{ key: string, body: string, customer: string, unknown: boolean, begun: number }} Attempt
 */

/*
 * The basket survives in the browser, and so does the attempt to order it: its Idempotency-Key and its body, as sent.
 * While nobody knows whether an attempt has arrived, the basket cannot be changed, and what is sent is the same body
 * with the same key, which the server places once. Only an answer ends an attempt, or a customer who was told what may
 * come of that. Every tab reads the same store.
 */
const STORE = 'comanda.basket';
const MOST_LINES = 50;
/** The server knows a key for a day. Later, sending it again could order twice, and nobody waits for it any more. */
const LONGEST = 23 * 60 * 60 * 1000;

/** @type {{ lines: Line[], note: string, attempt: Attempt | null }} */
let basket = { lines: [], note: '', attempt: null };
/** Whether the store has what the page shows. */
let kept = true;
/** @type {(() => void)[]} */
const listeners = [];

/** @param {() => void} listener */
export const onBasket = (listener) => void listeners.push(listener);

export function readBasket() {
  try {
    const stored = localStorage.getItem(STORE);
    // What could not be kept is not given up for an empty store.
    if (!kept && stored === null) return;
    const read = JSON.parse(stored ?? 'null');
    basket = read && Array.isArray(read.lines) ? read : { lines: [], note: '', attempt: null };
    kept = true;
    if (basket.attempt && Date.now() - basket.attempt.begun > LONGEST) return empty();
  } catch {
    // What is kept makes no sense, or nothing may be kept here.
  }
  for (const listener of listeners) listener();
}

// A page that the browser has put aside was told of nothing meanwhile.
addEventListener('pageshow', (event) => {
  if (event.persisted) readBasket();
});

addEventListener('storage', (event) => {
  if (event.key === STORE) readBasket();
});

function keep() {
  try {
    localStorage.setItem(STORE, JSON.stringify(basket));
    kept = true;
  } catch {
    // Full, or not allowed: it lasts as long as the page, and nothing older comes back in its place.
    kept = false;
    try {
      localStorage.removeItem(STORE);
    } catch {
      // There is no store.
    }
  }
  for (const listener of listeners) listener();
}

addEventListener('beforeunload', (event) => {
  // Only this page knows the key of the attempt.
  if (!kept && isOpen()) event.preventDefault();
});

export const lines = () => basket.lines;
export const note = () => basket.note;
export const attempt = () => basket.attempt;

/** Whether the basket is still there when the page is opened again. */
export const isKept = () => kept;

/** Whether an attempt is open of which nobody knows whether it has arrived. */
export const isOpen = () => basket.attempt?.unknown === true;

/** @param {(basket: { lines: Line[], note: string }) => void} change */
function change(change) {
  if (isOpen()) return false;
  change(basket);
  // A changed basket is another order.
  basket.attempt = null;
  keep();
  return true;
}

/** @param {Line} line @returns {boolean} whether it is in the basket now */
export function add(line) {
  const price = lineTotal({ ...line, quantity: 1 });
  const same = basket.lines.find((other) => is(other, line) && other.quantity + line.quantity <= 100);
  if (!same && isFull()) return false;
  return change((basket) => {
    if (!same) return void basket.lines.push({ ...line, price });
    same.quantity += line.quantity;
    same.price = price;
  });
}

export const isFull = () => basket.lines.length >= MOST_LINES;

/** The price that one of a line had when it was chosen, if that is another one now. @param {Line} line */
export function priceBefore(line) {
  if (line.price === undefined || !items.has(line.menu_item_id)) return undefined;
  return line.price === lineTotal({ ...line, quantity: 1 }) ? undefined : line.price;
}

/** @param {Line} a @param {Line} b */
function is(a, b) {
  const chosen = (/** @type {Line} */ line) => JSON.stringify([line.menu_item_id, line.selections, line.note]);
  return chosen(a) === chosen(b);
}

/** @param {number} at @param {number} quantity */
export const setQuantity = (at, quantity) => change(({ lines }) => {
  // Another tab may have removed it.
  if (lines[at]) lines[at].quantity = quantity;
});

/** @param {number} at */
export const remove = (at) => change(({ lines }) => void lines.splice(at, 1));

/** @param {string} note */
export const setNote = (note) => change((basket) => void (basket.note = note));

export function empty() {
  basket = { lines: [], note: '', attempt: null };
  keep();
}

/** What the basket costs at the prices of the menu. */
export const total = () => basket.lines.reduce((sum, line) => sum + lineTotal(line), 0);

/** @param {Line} line */
export function lineTotal(line) {
  const item = items.get(line.menu_item_id);
  if (!item) return 0;
  const options = item.option_groups.flatMap((group) => group.options);
  const chosen = line.selections.map(({ option_id, quantity }) => {
    const price = options.find((option) => option.id === option_id)?.price.amount ?? 0;
    return price * quantity;
  });
  return line.quantity * chosen.reduce((sum, price) => sum + price, item.price.amount);
}

/** The basket as an order, as it is sent. */
export function body() {
  const sent = basket.lines.map(({ menu_item_id, quantity, selections, note }) => ({
    menu_item_id,
    quantity,
    ...(selections.length ? { selections } : {}),
    ...(note ? { note } : {}),
  }));
  return JSON.stringify({ items: sent, ...(basket.note ? { note: basket.note } : {}) });
}

/**
 * The attempt to order this basket: the open one, or a new one. A key is one customer's: what another account may have
 * ordered is not ordered a second time with this one. `null`: that account has to find out first.
 * @param {string} customer
 */
export function begin(customer) {
  if (basket.attempt && basket.attempt.customer !== customer) {
    if (basket.attempt.unknown) return null;
    basket.attempt = null;
  }
  basket.attempt ??= { key: newKey(), body: body(), customer, unknown: false, begun: Date.now() };
  // Kept before it is sent: the page may be closed before there is an answer.
  const wasUnknown = basket.attempt.unknown;
  basket.attempt.unknown = true;
  keep();
  return { attempt: basket.attempt, wasUnknown };
}

/** Ends the attempt: nothing was ordered, or the customer gives it up all the same. The basket stays. */
export function endAttempt() {
  basket.attempt = null;
  keep();
}
