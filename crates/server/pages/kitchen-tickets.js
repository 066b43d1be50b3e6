// @ts-check
import { call, newKey, now } from './api.js';

/**
 * @typedef {import('./api-types').components['schemas']['TicketLine']} Line
 * @typedef {import('./api-types').components['schemas']['Ticket']} Ticket
 * @typedef {{ changed: Ticket[], added: Ticket[], gone: string[] }} News `added` are among `changed`
 */

const HOUR = 3_600_000;
const AGAIN = 3_000;
/** How long a cancelled ticket is shown to those who may be cooking it. */
const VOID = 600_000;

/** @type {Map<string, Ticket>} */
const tickets = new Map();
/** The station whose tickets are shown; all of them if it is empty. */
let station = '';
/** @type {(news: News) => void} */
let tell = () => undefined;

/** @param {(news: News) => void} listener */
export const onNews = (listener) => void (tell = listener);

/** @param {{ state: string }} ticket */
export const isOpen = ({ state }) => state === 'queued' || state === 'cooking';

/** @param {string} id */
export const ticket = (id) => tickets.get(id);

/** @param {string[]} gone */
function forget(gone) {
  for (const id of gone) tickets.delete(id);
  if (gone.length) tell({ changed: [], added: [], gone });
}

/** @param {string} id */
export const dismiss = (id) => forget([id]);

/** Takes what is newer than what is known: what is older may arrive later. @param {Ticket[]} some */
export function take(some) {
  const changed = [];
  const added = [];
  for (const next of some) {
    const known = tickets.get(next.id);
    if (known && known.version >= next.version) continue;
    if (station && next.station_id !== station) continue;
    // One that was cancelled before it was seen concerns nobody, and so does one that was ready long ago.
    if (!known && (next.state === 'void' || hasPassed(next))) continue;
    if (!known) added.push(next);
    tickets.set(next.id, next);
    changed.push(next);
  }
  if (changed.length) tell({ changed, added, gone: [] });
}

/** @param {Ticket} ticket */
function hasPassed({ state, updated_at }) {
  const age = now() - Date.parse(updated_at);
  return (state === 'ready' && age > HOUR) || (state === 'void' && age > VOID);
}

/** Takes away what is over. */
export function forgetPassed() {
  forget([...tickets.values()].filter(hasPassed).map(({ id }) => id));
}

/** @param {string} id of a station, or nothing for all */
export function showOnly(id) {
  station = id;
  forget([...tickets.values()].filter(({ station_id }) => station && station_id !== station).map((other) => other.id));
}

/** Reads the tickets of an order again. @param {string} order */
export async function readOrder(order) {
  const { data } = await call('GET', `/v1/kitchen/tickets?order=${order}`);
  take(data);
  const there = new Set(data.map((/** @type {Ticket} */ { id }) => id));
  forget([...tickets.values()].filter(({ id, order_id }) => order_id === order && !there.has(id)).map(({ id }) => id));
}

/** Orders with tickets that were open and are not any more. @type {Set<string>} */
const unsure = new Set();
let isAsking = false;

/**
 * Takes a list of all tickets that are open. Those that were, and are not in it, may be ready or cancelled: whoever
 * cooks them has to know which.
 * @param {Ticket[]} open
 */
export async function compare(open) {
  const there = new Set(open.map(({ id }) => id));
  const missing = [...tickets.values()].filter((known) => isOpen(known) && !there.has(known.id));
  take(open);
  for (const { order_id } of missing) unsure.add(order_id);
  if (isAsking) return;
  isAsking = true;
  while (unsure.size) {
    const [order] = unsure;
    try {
      await readOrder(order);
      unsure.delete(order);
    } catch {
      // One that cannot be read holds up no other.
      unsure.delete(order);
      unsure.add(order);
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
  isAsking = false;
}

/** Reads all tickets that are open. */
export async function readOpen() {
  const only = station && `&station=${station}`;
  /** @type {Ticket[]} */
  const open = [];
  // In this order, one that goes on to the next state meanwhile is not missed.
  for (const state of ['queued', 'cooking']) {
    let cursor = '';
    do {
      /** @type {import('./api-types').components['schemas']['TicketPage']} */
      const page = await call('GET', `/v1/kitchen/tickets?limit=100&state=${state}${only}${cursor}`);
      open.push(...page.data);
      cursor = page.next_cursor ? `&cursor=${encodeURIComponent(page.next_cursor)}` : '';
    } while (cursor);
  }
  // Meanwhile, somebody may have chosen another station.
  if (only === (station && `&station=${station}`)) void compare(open);
}

/** @type {Map<string, string>} The keys of changes of which nobody knows whether they have arrived. */
const keys = new Map();

/** Moves a ticket to another state. @param {string} id @param {Ticket['state']} state */
export async function move(id, state) {
  const change = `${id} ${state}`;
  // Sent again, it must not undo what somebody else has done meanwhile.
  const key = keys.get(change) ?? newKey();
  keys.set(change, key);
  const moved = await call('POST', `/v1/kitchen/tickets/${id}/state`, { body: { state }, key }).catch((error) => {
    if (error.problem?.status < 500) keys.delete(change);
    throw error;
  });
  keys.delete(change);
  take([moved]);
}
