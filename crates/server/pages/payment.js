// @ts-check
import { Refused, call, newKey, wordsOf } from './api.js';
import { complain, isOff, money, text, the, turnOff } from './elements.js';
import { hideFields, payByCard, showFields } from './stripe.js';

/**
 * @typedef {import('./api-types').components['schemas']['Payment']} Payment
 * @typedef {import('./api-types').components['schemas']['TestCard']} TestCard
 * @typedef {Pick<import('./api-types').components['schemas']['Order'], 'id' | 'status' | 'total' | 'payments'>} Payable
 */

const OPEN = new Set(['pending', 'requires_action', 'failed']);
const PAID = new Set(['succeeded', 'partly_refunded', 'refunded']);
/** For how long the server may take to hear of a payment. */
const PATIENCE = 20_000;

/** @type {Payable | null} */
let order = null;
/** A payment that a card was given for, and how it stood then. @type {{ status: string, until: number } | null} */
let given = null;
/** The keys of payments that were begun, by method: a repeated request begins no second one. */
const keys = new Map();

/** Reads the order again. */
let read = async () => {};

/** The payment that counts: an order has one at most that is open or paid. */
const payment = () => order?.payments?.find(({ status }) => OPEN.has(status)) ??
  order?.payments?.findLast(({ status }) => PAID.has(status));

/** Whether the server has yet to hear how a card payment went. */
export function isWaiting() {
  const current = payment();
  if (given && (Date.now() > given.until || (current && current.status !== given.status))) given = null;
  return given !== null;
}

/** Whether a card may be charged at any moment, here or at the bank: no event of the order tells. */
export const mayBePaid = () => isWaiting() || (payment()?.method === 'card' && OPEN.has(payment()?.status ?? ''));

/** How the payment stands, in words; what is wrong with it comes second. @returns {[string, string]} */
function words() {
  const current = payment();
  if (isWaiting()) return [text('pay_waiting'), ''];
  const amount = money(current?.refunded?.amount ?? 0);
  switch (current?.status) {
    case 'succeeded': return [text('pay_paid'), ''];
    case 'partly_refunded': return [text('pay_partly_refunded', { amount }), ''];
    case 'refunded': return [text('pay_refunded', { amount }), ''];
    case 'requires_action': return [text('pay_action'), ''];
    case 'failed': return ['', text('pay_refused')];
    case 'pending': return [current.method === 'counter' ? text('pay_counter_chosen') : '', ''];
    default: return ['', ''];
  }
}

/** @param {Payable} shown @param {boolean} isOver whether nothing can be paid any more */
export function showPayment(shown, isOver) {
  order = shown;
  const paid = PAID.has(payment()?.status ?? '');
  const [state, problem] = words();
  complain(the('order-paid'), state);
  // A problem of the last attempt is none any more when the next has worked.
  if (paid) complain(the('order-problem'));
  else if (problem && the('order-problem').hidden) complain(the('order-problem'), problem);
  const closed = paid || isOver;
  the('order-methods').hidden = closed || isWaiting();
  if (closed || isWaiting()) closeCards();
  the('order-payment').hidden = order.status === 'cancelled' && !paid;
  the('order-stripe-pay').textContent = text('pay_now', { total: money(order.total.amount) });
}

export function forgetPayment() {
  order = null;
  given = null;
  keys.clear();
  closeCards();
  hideFields();
  complain(the('order-problem'));
  complain(the('order-paid'));
}

function closeCards() {
  the('order-cards').hidden = the('order-stripe').hidden = true;
  the('order-card').setAttribute('aria-expanded', 'false');
}

/** The card was given, here or at a page of the bank. */
export function gaveCard() {
  complain(the('order-problem'));
  given = { status: payment()?.status ?? 'pending', until: Date.now() + PATIENCE };
}

/** @param {Payment['method']} method @returns {Promise<Payment>} */
async function begin(method) {
  const key = keys.get(method) ?? newKey();
  keys.set(method, key);
  try {
    const begun = await call('POST', `/v1/orders/${order?.id}/payments`, { body: { method }, key });
    keys.delete(method);
    return begun;
  } catch (error) {
    if (error instanceof Refused && error.problem.status < 500) keys.delete(method);
    throw error;
  }
}

/** What becomes of a payment with each test card. @type {Record<TestCard, Payment['status']>} */
const OUTCOMES = {
  pm_card_visa: 'succeeded', pm_card_chargeDeclined: 'failed', pm_card_authenticationRequired: 'requires_action',
};

/** @param {TestCard} card */
async function payWith(card) {
  const { client_secret } = await begin('card');
  await read();
  // What the browser pays with is `<intent>_secret_<random>`, as with Stripe.
  const intent = (client_secret ?? '').split('_secret')[0];
  // If it goes as the last time, no change will tell.
  if (payment()?.status !== OUTCOMES[card]) gaveCard();
  await call('POST', `/v1/offline-gateway/intents/${encodeURIComponent(intent)}/pay`, {
    body: { payment_method: card },
  });
}

async function payWithStripe() {
  const problem = await payByCard();
  if (problem) return complain(the('order-problem'), problem);
  gaveCard();
}

async function chooseCard() {
  const button = the('order-card');
  const place = the(document.documentElement.dataset.cards === 'stripe' ? 'order-stripe' : 'order-cards');
  if (!place.hidden) return closeCards();
  place.hidden = false;
  button.setAttribute('aria-expanded', 'true');
  if (place.id !== 'order-stripe') return;
  try {
    const { client_secret } = await begin('card');
    await showFields(client_secret ?? '');
  } catch (error) {
    closeCards();
    throw error;
  }
}

/** @param {() => Promise<unknown>} work */
async function paying(work) {
  const buttons = /** @type {HTMLElement[]} */ ([...the('order-payment').querySelectorAll('button')]);
  if (buttons.some(isOff)) return;
  complain(the('order-problem'));
  for (const button of buttons) turnOff(button, true);
  try {
    await work();
    await read();
  } catch (error) {
    given = null;
    complain(the('order-problem'), wordsOf(error));
  } finally {
    for (const button of buttons) turnOff(button, false);
    // A button that is gone cannot have the focus.
    const focused = document.activeElement;
    const isLost = focused === document.body || !focused?.checkVisibility();
    if (isLost && the('order').open) the('order-title').focus();
  }
}

/** @param {() => Promise<void>} again reads the order again */
export function payments(again) {
  read = again;
  the('order-card').hidden = document.documentElement.dataset.cards === 'none';
  the('order-methods').addEventListener('click', (/** @type {Event} */ event) => {
    const method = /** @type {HTMLElement} */ (event.target).closest('button')?.dataset.method;
    if (method === 'counter') {
      closeCards();
      void paying(() => begin('counter'));
    }
    if (method === 'card') void paying(chooseCard);
  });
  the('order-cards').addEventListener('click', (/** @type {Event} */ event) => {
    const chosen = /** @type {HTMLElement} */ (event.target).closest('button')?.dataset.card;
    const card = /** @type {TestCard | undefined} */ (chosen);
    if (card) void paying(() => payWith(card));
  });
  the('order-stripe').addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    void paying(payWithStripe);
  });
}
