// @ts-check
import { Refused, call, newKey, wordsOf } from './api.js';
import { complain, make, money, text, the } from './elements.js';

/**
 * @typedef {import('./api-types').components['schemas']['Payment']} Payment
 * @typedef {import('./api-types').components['schemas']['Order']} Order
 */

const STORE = 'comanda.order';
const EVERY = 5_000;
const OVER = new Set(['completed', 'cancelled']);

/** @type {Order | null} */
let order = null;
/** @type {EventSource | null} */
let stream = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** The keys of payments that were begun, by method: a repeated request begins no second one. */
const keys = new Map();

/** @param {string | null} id */
function keep(id) {
  try {
    if (id) localStorage.setItem(STORE, id);
    else localStorage.removeItem(STORE);
  } catch {
    // It is shown as long as the page is open.
  }
}

/** @param {import('./api-types').components['schemas']['OrderLine']} line */
function shown(line) {
  const chosen = line.selections.map(({ name, quantity }) => (quantity > 1 ? `${quantity} × ${name}` : name));
  const details = [...chosen, ...(line.note ? [`(${line.note})`] : [])].join(', ');
  return make('li', { className: 'line' },
    make('span', { className: 'name' }, `${line.quantity} × ${line.name}`),
    make('span', { className: 'sum' }, money(line.line_total.amount)),
    ...(details ? [make('span', { className: 'chosen hint' }, details)] : []));
}

function show() {
  if (!order) return;
  const number = text('order_number', { number: order.number });
  the('order-title').textContent = number;
  the('order-open').textContent = number;
  the('order-open').hidden = false;
  const words = text(`order_status_${order.status}`);
  if (the('order-status').textContent !== words) the('order-status').textContent = words;
  the('order-total').textContent = money(order.total.amount);
  if (order.items) the('order-lines').replaceChildren(...order.items.map(shown));
  const payments = order.payments ?? [];
  const paid = payments.some(({ status }) => status === 'succeeded');
  const counter = payments.some(({ method, status }) => method === 'counter' && status === 'pending');
  const settled = paid ? 'pay_paid' : counter ? 'pay_counter_chosen' : '';
  complain(the('order-paid'), settled && text(settled));
  the('order-methods').hidden = paid || OVER.has(order.status);
  if (paid || OVER.has(order.status)) the('order-cards').hidden = true;
  the('order-payment').hidden = order.status === 'cancelled';
}

/** An older answer never replaces a newer one. @param {Order} next */
function take(next) {
  if (order && next.id === order.id && next.version < order.version) return;
  const { items, payments } = order?.id === next.id ? order : { items: undefined, payments: undefined };
  order = { ...next, items: next.items ?? items, payments: next.payments ?? payments };
  show();
  if (OVER.has(order.status)) {
    stop();
    keep(null);
  }
}

async function read() {
  if (!order) return;
  take(await call('GET', `/v1/orders/${order.id}?include=items,payments`));
}

function stop() {
  stream?.close();
  stream = null;
  clearTimeout(timer);
}

/** Asks again and again: for as long as there is no stream. */
function poll() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    await read().catch(() => undefined);
    if (order && !OVER.has(order.status) && stream?.readyState !== EventSource.OPEN) poll();
  }, EVERY);
}

/** Follows the order through its stream of events, and asks every few seconds where that is not to be had. */
function follow() {
  stop();
  if (!order) return;
  stream = new EventSource(`/v1/orders/${order.id}/events`);
  const changed = (/** @type {MessageEvent} */ event) => {
    take(JSON.parse(event.data));
    // Payments are not in it.
    void read().catch(() => undefined);
  };
  stream.addEventListener('snapshot', changed);
  stream.addEventListener('order', changed);
  stream.addEventListener('error', poll);
}

/** @param {Order} placed */
export function showOrder(placed) {
  order = null;
  keys.clear();
  complain(the('order-problem'));
  the('order-cards').hidden = true;
  keep(placed.id);
  take(placed);
  the('order').showModal();
  follow();
}

/** @param {Payment['method']} method @returns {Promise<Payment>} */
async function begin(method) {
  const key = keys.get(method) ?? newKey();
  keys.set(method, key);
  try {
    const payment = await call('POST', `/v1/orders/${order?.id}/payments`, { body: { method }, key });
    keys.delete(method);
    return payment;
  } catch (error) {
    if (error instanceof Refused && error.problem.status < 500) keys.delete(method);
    throw error;
  }
}

/** @typedef {import('./api-types').components['schemas']['TestCard']} TestCard */

/** @param {TestCard} card */
async function payWith(card) {
  const payment = await begin('card');
  // What the browser pays with is `<intent>_secret_<random>`, as with Stripe.
  const intent = (payment.client_secret ?? '').split('_secret')[0];
  await call('POST', `/v1/offline-gateway/intents/${encodeURIComponent(intent)}/pay`, {
    body: { payment_method: card },
  });
  the('order-cards').hidden = true;
  if (card === 'pm_card_chargeDeclined') complain(the('order-problem'), text('pay_refused'));
  else complain(the('order-paid'), text('pay_waiting'));
}

/** @param {() => Promise<unknown>} work */
async function paying(work) {
  const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (the('order-payment').querySelectorAll('button'));
  complain(the('order-problem'));
  for (const button of buttons) button.disabled = true;
  try {
    await work();
    await read();
  } catch (error) {
    complain(the('order-problem'), wordsOf(error));
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

export function orders() {
  const simulated = document.documentElement.dataset.cards === 'simulated';
  the('order-card').hidden = !simulated;
  the('order-methods').addEventListener('click', (/** @type {Event} */ event) => {
    const method = /** @type {HTMLElement} */ (event.target).closest('button')?.dataset.method;
    if (method === 'counter') void paying(() => begin('counter'));
    if (method === 'card') the('order-cards').hidden = !the('order-cards').hidden;
  });
  the('order-cards').addEventListener('click', (/** @type {Event} */ event) => {
    const { card } = /** @type {{ card?: TestCard }} */ (
      /** @type {HTMLElement} */ (event.target).closest('button')?.dataset ?? {});
    if (card) void paying(() => payWith(card));
  });
  the('order-again').addEventListener('click', () => the('order').close());
  the('order-open').addEventListener('click', () => the('order').showModal());
}

/** Shows the order that is under way when the page is opened again. */
export async function resume() {
  let id = null;
  try {
    id = localStorage.getItem(STORE);
  } catch {
    return;
  }
  if (!id) return;
  try {
    take(await call('GET', `/v1/orders/${encodeURIComponent(id)}?include=items,payments`));
    follow();
  } catch (error) {
    if (error instanceof Refused && error.problem.status === 404) keep(null);
  }
}
