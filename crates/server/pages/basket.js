// @ts-check
import { newKey } from './api.js';
import { items } from './menu.js';

/**
 * @typedef {{ option_id: string, quantity: number }} Selection
 * @typedef {{ menu_item_id: string, quantity: number, selections: Selection[], note: string, price?: number }} Line
 *   `price`: what one cost when it was chosen.
 * @typedef {{ body: string, customer: string, begun: number, key: string, unknown: boolean }} Attempt
 *   `key` and `unknown` are what pages of before this read.
 * @typedef {{ key: string, lines: Line[], note: string, attempt: Attempt | null }} Basket
 */

/*
 * The basket survives in the browser. From its first line on it has the Idempotency-Key of the order that it becomes,
 * and keeps it whatever else changes, until it was ordered or emptied: the server places one order under a key. So
 * nothing is ordered twice by two tabs that know nothing of each other yet, nor by a browser that was killed before it
 * had written down that it began to order.
 *
 * An attempt is the body as sent, until there is an answer. While there is one, the basket cannot be changed, and the
 * same body is sent again. Only an answer ends it, or a customer who was told what may come of that. Every tab reads
 * the same store, and reads it before it writes.
 */
const STORE = 'comanda.basket';
const MOST_LINES = 50;
/** The server knows a key for a day. Later, sending it again could order twice, and nobody waits for it any more. */
const LONGEST = 23 * 60 * 60 * 1000;

/** @returns {Basket} */
const fresh = () => ({ key: newKey(), lines: [], note: '', attempt: null });

let basket = fresh();
/** Whether the store has what the page shows. */
let kept = true;
/** @type {(() => void)[]} */
const listeners = [];

/** @param {() => void} listener */
export const onBasket = (listener) => void listeners.push(listener);

/** Reads what another tab may have written. */
function read() {
  let stored;
  try {
    stored = localStorage.getItem(STORE);
  } catch {
    // Nothing may be kept here.
    return;
  }
  // For a store that somebody has emptied, neither what is being ordered is given up nor what it never had; and what
  // is being ordered from a page that cannot keep it is given up for nothing else, either.
  if (stored === null ? isOpen() || !kept : isOpen() && !kept) return;
  const found = understood(stored);
  // Nor for a store that makes no sense.
  if (!found && isOpen()) return;
  basket = found ?? fresh();
  kept = true;
  // The next one is another order. Nobody knows how old an attempt is that begins in the future.
  const age = basket.attempt ? Date.now() - basket.attempt.begun : 0;
  if (age > LONGEST || age < -LONGEST) write({ ...basket, key: newKey(), attempt: null });
}

/** @param {string | null} stored @returns {Basket | null} */
function understood(stored) {
  try {
    const { key, lines, note, attempt } = JSON.parse(stored ?? 'null') ?? {};
    if (!Array.isArray(lines) || !lines.every(isLine)) return null;
    // A page of before this has the key in the attempt, and sends it from there.
    return { key: attempt?.key ?? key ?? newKey(), lines, note: String(note ?? ''), attempt: attempt ?? null };
  } catch {
    return null;
  }
}

/** @param {any} line */
const isLine = (line) =>
  typeof line?.menu_item_id === 'string' && Number.isInteger(line.quantity) && Array.isArray(line.selections);

/** @param {Basket} next */
function write(next) {
  basket = next;
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
}

function tell() {
  for (const listener of listeners) listener();
}

export function readBasket() {
  read();
  tell();
}

// A page that the browser has put aside was told of nothing meanwhile.
addEventListener('pageshow', (event) => {
  if (event.persisted) readBasket();
});

addEventListener('storage', (event) => {
  // Without a key, all of the store was emptied.
  if (event.key === STORE || event.key === null) readBasket();
});

addEventListener('beforeunload', (event) => {
  // Only this page knows the key of the attempt.
  if (!kept && isOpen()) event.preventDefault();
});

export const lines = () => basket.lines;
export const note = () => basket.note;

/** Whether the basket is still there when the page is opened again. */
export const isKept = () => kept;

/** Whether an attempt is open of which nobody knows whether it has arrived. */
export const isOpen = () => basket.attempt !== null;

/** @param {(basket: Basket) => boolean | void} work says `false` where there is nothing to do */
function change(work) {
  read();
  const isChanged = !isOpen() && work(basket) !== false;
  if (isChanged) write(basket);
  tell();
  return isChanged;
}

/** @param {Line} line @returns {boolean} whether it is in the basket now */
export function add(line) {
  const price = lineTotal({ ...line, quantity: 1 });
  return change(({ lines }) => {
    const same = lines.find((other) => is(other, line) && other.quantity + line.quantity <= 100);
    if (!same) return lines.length < MOST_LINES && lines.push({ ...line, price }) > 0;
    same.quantity += line.quantity;
    same.price = price;
  });
}

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

/**
 * Changes a line as it is shown. Another tab may have moved it, or removed it.
 * @param {Line} line @param {number} at where it is shown
 * @param {(lines: Line[], at: number) => void} work
 */
const changeLine = (line, at, work) => change(({ lines }) => {
  const there = lines[at] && is(lines[at], line) ? at : lines.findIndex((other) => is(other, line));
  if (there < 0) return false;
  work(lines, there);
});

/** @param {Line} line @param {number} at @param {number} quantity */
export const setQuantity = (line, at, quantity) =>
  changeLine(line, at, (lines, there) => void (lines[there].quantity = quantity));

/** @param {Line} line @param {number} at */
export const remove = (line, at) => changeLine(line, at, (lines, there) => void lines.splice(there, 1));

/** @param {string} note */
export const setNote = (note) => change((basket) => void (basket.note = note));

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

/** The basket as an order: as it was sent, if it was. */
export function body() {
  if (basket.attempt) return basket.attempt.body;
  const sent = basket.lines.map(({ menu_item_id, quantity, selections, note }) => ({
    menu_item_id,
    quantity,
    ...(selections.length ? { selections } : {}),
    ...(note ? { note } : {}),
  }));
  return JSON.stringify({ items: sent, ...(basket.note ? { note: basket.note } : {}) });
}

/**
 * Begins to order this basket, or goes on with that. A key is one customer's: what another account may have ordered is
 * not ordered a second time with this one, which has to find out first.
 * @param {string} customer
 * @param {string} shown the body that the customer has seen
 * @returns {{ key: string, body: string, wasOpen: boolean } | string} the name of the text that says why not
 */
export function begin(customer, shown) {
  read();
  const wasOpen = isOpen();
  const attempt = basket.attempt ?? { body: body(), customer, begun: Date.now(), key: basket.key, unknown: true };
  if (attempt.body === shown && attempt.customer === customer) {
    // Kept before it is sent: the page may be closed before there is an answer.
    write({ ...basket, attempt });
  }
  tell();
  if (attempt.body !== shown) return 'order_basket_changed';
  return attempt.customer === customer ? { key: basket.key, body: shown, wasOpen } : 'order_of_another';
}

/*
 * What follows is about one order: by the time that it is known what has become of it, another tab may have begun the
 * next one.
 */

/** It was placed. @param {string} key */
export function placed(key) {
  read();
  if (basket.key === key) write(fresh());
  tell();
}

/** Nothing was ordered. The basket stays. @param {string} key */
export function endAttempt(key) {
  read();
  if (basket.key === key) write({ ...basket, attempt: null });
  tell();
}

/** The customer gives up what is shown, whatever has become of it: what stays in the basket is another order. */
export function giveUp() {
  const { key } = basket;
  read();
  if (basket.key === key && isOpen()) write({ ...basket, key: newKey(), attempt: null });
  tell();
}
