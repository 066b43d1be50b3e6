// @ts-check
import { customer, onCustomer, onSignOut, signIn, wasSignedOut } from './account.js';
import { Refused, call, isSignedOut } from './api.js';
import { announce, chosenWords, complain, lineOf, make, money, openDialog, text, the } from './elements.js';
import { forgetPayment, gaveCard, isWaiting, mayBePaid, payments, showPayment } from './payment.js';
import { cameBack } from './stripe.js';

/**
 * @typedef {import('./api-types').components['schemas']['Order']} Order
 */

const STORE = 'comanda.order';
const EVERY = 5_000;
/** An order that was not heard of for so long is read even so. */
const UNREAD = 30_000;
/** While a payment is being checked. */
const SOON = 1_500;
const LONGEST = 60_000;
const OVER = new Set(['completed', 'cancelled']);
const TITLE = document.title;

/** @type {Order | null} */
let order = null;
/** @type {EventSource | null} */
let stream = null;
/** How often in a row the stream was refused. */
let refusals = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let reopening;
/** Only a gesture may make it. @type {AudioContext | null} */
let sound = null;
/** How the customer came back from the bank. @type {ReturnType<typeof cameBack>} */
let back = null;

/** What is kept names whose order it is: others who use this browser do not see it. */
function kept() {
  try {
    const read = JSON.parse(localStorage.getItem(STORE) ?? 'null');
    return typeof read?.id === 'string' ? /** @type {{ id: string, customer: string }} */ (read) : null;
  } catch {
    return null;
  }
}

/** @param {Order | null} shown */
function keep(shown) {
  try {
    if (shown) localStorage.setItem(STORE, JSON.stringify({ id: shown.id, customer: shown.customer_id }));
    else localStorage.removeItem(STORE);
  } catch {
    // It is shown as long as the page is open.
  }
}

/** @param {import('./api-types').components['schemas']['OrderLine']} line */
function shownLine(line) {
  const details = chosenWords(line.selections, line.note);
  return lineOf([`${line.quantity} × ${line.name}`], line.line_total.amount,
    ...(details ? [make('span', { className: 'chosen hint' }, details)] : []));
}

function show() {
  if (!order) return;
  const { number, status } = order;
  const state = text(`order_status_${status}`);
  const ready = status === 'ready' ? text('order_ready', { number }) : '';
  the('order-title').textContent = text('order_number', { number });
  complain(the('order-open'), ready || `${text('order_number', { number })}: ${state}`);
  document.title = ready || TITLE;
  if (the('order-status').textContent !== state) the('order-status').textContent = state;
  the('order-status').dataset.status = the('order-open').dataset.status = status;
  the('order-shown').hidden = false;
  the('order-total').textContent = money(order.total.amount);
  if (order.items) the('order-lines').replaceChildren(...order.items.map(shownLine));
  showPayment(order, OVER.has(status));
  showLive();
}

/** Whether what is shown is up to date. */
function showLive() {
  const isOver = !order || OVER.has(order.status);
  const words = isOver ? '' : text(stream?.readyState === EventSource.OPEN ? 'order_live' : 'order_asking');
  if (the('order-live').textContent !== words) the('order-live').textContent = words;
  the('order-sound').hidden = isOver || order?.status === 'ready' || !('AudioContext' in window);
}

/** An older answer never replaces a newer one. @param {Order} next */
function take(next) {
  const same = order?.id === next.id ? order : null;
  if (same && next.version < same.version) return;
  const becameReady = same && same.status !== 'ready' && next.status === 'ready';
  order = { ...next, items: next.items ?? same?.items, payments: next.payments ?? same?.payments };
  show();
  if (becameReady) {
    beep();
    if (!the('order').open) announce(text('order_ready', { number: order.number }));
  }
  if (OVER.has(order.status)) {
    stop();
    keep(null);
  }
}

let readAt = 0;

async function read() {
  if (!order) return;
  const { id } = order;
  const found = await call('GET', `/v1/orders/${id}?include=items,payments`);
  readAt = Date.now();
  if (order?.id === id) take(found);
}

function stop() {
  stream?.close();
  stream = null;
  clearTimeout(timer);
  clearTimeout(reopening);
}

/** Nobody sees the order any more. */
function forget() {
  clear();
  the('order').close();
}

function clear() {
  stop();
  order = null;
  refusals = 0;
  document.title = TITLE;
  the('order-open').hidden = the('order-signed-out').hidden = the('order-shown').hidden = true;
  delete the('order-open').dataset.status;
  for (const id of ['order-title', 'order-status', 'order-live', 'order-total', 'order-open']) the(id).textContent = '';
  the('order-lines').replaceChildren();
  forgetPayment();
}

/** Asks again, for as long as there is no stream, or a card may be charged. @param {number} [wait] */
function poll(wait = isWaiting() ? SOON : EVERY) {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const isLive = stream?.readyState === EventSource.OPEN;
    let next;
    // A connection may be gone without a word.
    if (!isLive || mayBePaid() || Date.now() - readAt > UNREAD) {
      try {
        await read();
      } catch (error) {
        if (isLost(error)) return;
        if (error instanceof Refused && error.problem.retryAfter) next = error.problem.retryAfter * 1000;
      }
    }
    if (order && !OVER.has(order.status)) poll(next);
  }, wait);
}

/** Whether the order cannot be followed any more, and says so. @param {unknown} error */
function isLost(error) {
  if (isSignedOut(error)) {
    if (!order) return true;
    clear();
    // Whoever comes next does not see it; the same customer does, after signing in.
    the('order-title').textContent = text('order_yours');
    the('order-signed-out').hidden = false;
    complain(the('order-open'), text('order_signed_out'));
    if (the('order').open) the('order-sign-in').focus();
    else announce(text('order_signed_out'));
    wasSignedOut();
    return true;
  }
  if (!(error instanceof Refused && error.problem.status === 404)) return false;
  keep(null);
  forget();
  return true;
}

/** Follows the order through its stream of events, and asks every few seconds where that is not to be had. */
function follow() {
  stop();
  if (!order || OVER.has(order.status)) return;
  const opened = new EventSource(`/v1/orders/${order.id}/events`);
  stream = opened;
  const changed = (/** @type {MessageEvent} */ event) => {
    take(JSON.parse(event.data));
    // Payments are not in it.
    void read().catch(isLost);
  };
  opened.addEventListener('snapshot', changed);
  opened.addEventListener('order', changed);
  opened.addEventListener('open', () => {
    refusals = 0;
    showLive();
  });
  opened.addEventListener('error', () => {
    if (stream !== opened) return;
    showLive();
    // A browser comes again by itself, unless it was refused. It does not tell why: asking does.
    if (opened.readyState !== EventSource.CLOSED) return;
    const wait = Math.min(LONGEST, 1000 * 2 ** refusals++) * (0.5 + Math.random() / 2);
    reopening = setTimeout(follow, wait);
    poll(0);
  });
  poll();
}

/** @param {Order} placed */
export function showOrder(placed) {
  forget();
  keep(placed);
  take(placed);
  openDialog('order');
  follow();
}

/** Shows the order that is under way, if it is this customer's. @param {string} whose */
async function resume(whose) {
  const found = kept();
  if (!found || found.customer !== whose) return;
  try {
    const read = await call('GET', `/v1/orders/${encodeURIComponent(found.id)}?include=items,payments`);
    // Meanwhile, another one may have been placed, or somebody else may have come.
    if (order || customer()?.id !== whose) return;
    take(read);
  } catch (error) {
    if (error instanceof Refused && error.problem.status === 404) {
      keep(null);
      forget();
    } else if (!isSignedOut(error)) setTimeout(() => !order && customer()?.id === whose && void resume(whose), EVERY);
    return;
  }
  if (back) {
    openDialog('order');
    if (back === 'paid') gaveCard();
    else complain(the('order-problem'), text('pay_not_confirmed'));
    back = null;
    show();
  }
  follow();
}

function beep() {
  if (!sound) return;
  void sound.resume();
  const { currentTime, destination } = sound;
  for (const [at, frequency] of [[0, 660], [0.18, 880]]) {
    const [tone, volume] = [sound.createOscillator(), sound.createGain()];
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.2, currentTime + at);
    volume.gain.exponentialRampToValueAtTime(0.001, currentTime + at + 0.3);
    tone.connect(volume).connect(destination);
    tone.start(currentTime + at);
    tone.stop(currentTime + at + 0.3);
  }
}

function switchSound() {
  if (sound) void sound.close();
  sound = sound ? null : new AudioContext();
  the('order-sound').setAttribute('aria-pressed', String(sound !== null));
  beep();
}

export function orders() {
  back = cameBack();
  payments(async () => {
    await read();
    if (stream) poll();
  });
  the('order-again').addEventListener('click', () => the('order').close());
  the('order-open').addEventListener('click', () => openDialog('order'));
  the('order-sound').addEventListener('click', switchSound);
  // Who does not sign in goes on without.
  the('order-sign-in').addEventListener('click', () => void signIn().then(
    () => the('order').open && the('order-title').focus(), () => undefined));
  onSignOut(forget);
  // What another tab has ordered is shown here, too: nobody orders it once more.
  addEventListener('storage', ({ key }) => {
    const who = customer();
    if (key === STORE && who && !order) void resume(who.id);
  });
  onCustomer(() => {
    const who = customer();
    if (!who) return;
    if ((order?.customer_id ?? kept()?.customer) !== who.id) forget();
    the('order-signed-out').hidden = true;
    if (order) follow();
    else void resume(who.id);
  });
}
