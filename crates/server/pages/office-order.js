// @ts-check
import { Refused, call, newKey } from './api.js';
import { announce, complain, lineOf, make, money, text, times } from './elements.js';
import { priced } from './office-amounts.js';
import { ask, refocus, why } from './office-form.js';
import { badge, problemWords } from './office-list.js';
import { inWords } from './office-times.js';
import { button, fail, keepToast, say } from './office-toast.js';

/**
 * @typedef {import('./api-types').components['schemas']['Order']} Order
 * @typedef {import('./api-types').components['schemas']['OrderLine']} OrderLine
 * @typedef {import('./api-types').components['schemas']['OrderStatus']} OrderStatus
 * @typedef {import('./api-types').components['schemas']['NextOrderStatus']} NextOrderStatus
 * @typedef {import('./api-types').components['schemas']['Payment']} Payment
 */

/** @type {Partial<Record<OrderStatus, NextOrderStatus>>} */
const NEXT = { pending: 'accepted', accepted: 'preparing', preparing: 'ready', ready: 'completed' };

/** The status that comes after another. @param {OrderStatus} status */
export const next = (status) => NEXT[status];

/** @param {Order} order @param {NextOrderStatus} status */
export async function advance(order, status) {
  // The same step of the same order is the same request, however often it is sent.
  const key = `office-${order.id}-${order.version}-${status}`;
  try {
    await call('POST', `/v1/orders/${order.id}/status`, { body: { status }, key });
  } catch (error) {
    // Somebody else was first: what is shown is read again.
    if (!(error instanceof Refused && error.problem.code === 'invalid-transition')) throw error;
    return fail(error);
  }
  say(text('order_moved', { number: order.number, status: text(`order_status_${status}`) }));
}

/** @param {OrderLine} line */
function shownLine(line) {
  const chosen = line.selections.map(({ group, name, quantity, unit_price }) => {
    const price = unit_price.amount ? ` (${money(unit_price.amount)})` : '';
    return make('li', {}, `${group}: ${times(quantity, name)}${price}`);
  });
  return lineOf([`${line.quantity} × ${line.name}`], line.line_total.amount,
    ...(chosen.length ? [make('ul', { className: 'chosen hint' }, ...chosen)] : []),
    ...(line.note ? [make('p', { className: 'chosen note' }, text('note', { note: line.note }))] : []));
}

/** What of a payment could still be given back. @param {Payment} payment */
const left = (payment) => payment.amount.amount - (payment.refunded?.amount ?? 0);

/** @param {Order} order @param {Payment} payment @param {() => Promise<void>} again */
function shownPayment(order, payment, again) {
  const path = /** @type {const} */ (`/v1/orders/${order.id}/payments/${payment.id}`);
  const actions = [];
  if (payment.method === 'counter' && payment.status === 'pending' && order.status !== 'cancelled') {
    const key = newKey();
    actions.push(button(text('payment_settle'), { about: order.number, key: `settle-${payment.id}` }, async () => {
      await call('POST', `${path}/settle`, { key });
      say(text('payment_settled', { amount: money(payment.amount.amount) }));
      await again();
    }));
  }
  if (['succeeded', 'partly_refunded'].includes(payment.status) && left(payment) > 0) {
    actions.push(button(text('payment_refund'), { about: order.number, key: `refund-${payment.id}` }, async () => {
      const refund = await ask({
        title: text('payment_refund_title', { number: order.number }),
        about: text('payment_refund_about', { left: money(left(payment)) }),
        questions: [
          { name: 'amount/amount', label: text('amount'), kind: 'money', value: left(payment), required: true },
          why({ label: text('payment_refund_why') }),
        ],
        submit: text('payment_refund'),
        send: (values, key) => call('POST', `${path}/refunds`, {
          body: { amount: priced(values['amount/amount']), reason: values.reason }, key,
        }),
      });
      if (!refund) return;
      say(text('payment_refund_done', {
        amount: money(refund.amount.amount), status: text(`refund_${refund.status}`),
      }));
      await again();
    }));
  }
  const incidents = (payment.incidents ?? []).map((incident) => make('p', { className: 'problem' },
    text(`incident_${incident.kind}`, {
      amount: money(incident.amount.amount), status: text(`incident_${incident.status}`),
      when: inWords(incident.opened_at), reason: incident.reason,
    })));
  const refunded = payment.refunded ? [make('span', { className: 'hint' },
    text('payment_given_back', { amount: money(payment.refunded.amount) }))] : [];
  const state = badge(text(`payment_${payment.status}`), payment.status === 'succeeded' ? 'good' : 'plain');
  return lineOf([text(`method_${payment.method}`), ' ', state], payment.amount.amount,
    make('div', { className: 'chosen several' }, ...refunded, ...actions), ...incidents);
}

/** @param {Order} order @param {() => Promise<void>} again */
function actions(order, again) {
  const to = next(order.status);
  const buttons = [];
  if (to) {
    buttons.push(button(text(`order_to_${to}`), { className: 'primary', key: 'order-next' }, async () => {
      await advance(order, to);
      await again();
    }));
  }
  if (!['completed', 'cancelled'].includes(order.status)) {
    buttons.push(button(text('order_cancel'), { key: 'order-cancel' }, async () => {
      const done = await ask({
        title: text('order_cancel_title', { number: order.number }),
        about: text('order_cancel_about'),
        questions: [{ name: 'reason', label: text('reason'), maxLength: 300, hint: text('order_cancel_hint') }],
        submit: text('order_cancel'),
        send: ({ reason }, key) => call('POST', `/v1/orders/${order.id}/cancel`, {
          body: reason ? { reason } : {}, key,
        }),
      });
      if (!done) return;
      say(text('order_cancel_done', { number: order.number }));
      await again();
    }));
  }
  return buttons;
}

/** @param {Order} order @param {() => Promise<void>} again */
function content(order, again) {
  const { customer } = order;
  const facts = [
    [text('order_placed'), inWords(order.created_at)],
    [text('order_changed'), inWords(order.updated_at)],
    ...(customer ? [[text('order_customer'), `${customer.name} (${customer.email})`]] : []),
  ];
  return [
    make('p', { className: 'status' }, text(`order_status_${order.status}`)),
    make('dl', { className: 'facts' },
      ...facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)])),
    ...(order.note ? [make('p', { className: 'note' }, text('note', { note: order.note }))] : []),
    make('ul', { className: 'lines' }, ...(order.items ?? []).map(shownLine)),
    make('p', { className: 'sum' }, make('span', {}, text('order_total')),
      make('output', {}, money(order.total.amount))),
    make('h3', {}, text('order_payments')),
    order.payments?.length
      ? make('ul', { className: 'lines' },
        ...order.payments.map((payment) => shownPayment(order, payment, again)))
      : make('p', { className: 'hint' }, text('payment_none')),
    make('div', { className: 'several' }, ...actions(order, again)),
  ];
}

/** @type {HTMLDialogElement | null} */
let dialog = null;

export const closeOrder = () => dialog?.close();

/**
 * Shows an order with all there is to it.
 * @param {string} id
 * @param {() => void} closed
 * @param {() => void} changed
 */
export function showOrder(id, closed, changed) {
  const opener = /** @type {HTMLElement | null} */ (document.activeElement);
  dialog?.close();
  const heading = make('h2', { id: 'details-title', tabIndex: -1 }, text('order_loading'));
  const close = make('button', { type: 'button', className: 'quiet' }, text('close'));
  const problem = make('p', { className: 'problem', role: 'alert', hidden: true });
  const place = make('div', { className: 'details' });
  const shown = make('dialog', { id: 'details', className: 'side', 'aria-labelledby': heading.id },
    make('div', { className: 'head' }, heading, close), problem, place);
  dialog = shown;
  const read = async () => {
    complain(problem);
    try {
      const order = await call('GET', `/v1/orders/${encodeURIComponent(id)}?include=items,customer,payments`);
      heading.textContent = text('order_number', { number: order.number });
      const key = shown.contains(document.activeElement)
        ? /** @type {HTMLElement} */ (document.activeElement).dataset.key : undefined;
      place.replaceChildren(...content(order, async () => {
        await read();
        changed();
      }));
      if (key) {
        const again = /** @type {HTMLElement | null} */ (place.querySelector(`[data-key="${CSS.escape(key)}"]`));
        (again ?? heading).focus();
        announce(text(`order_status_${order.status}`));
      }
    } catch (error) {
      heading.textContent = text('order');
      complain(problem, problemWords(error));
    }
  };
  close.addEventListener('click', () => shown.close());
  shown.addEventListener('close', () => {
    keepToast(shown);
    shown.remove();
    if (dialog === shown) dialog = null;
    refocus(opener);
    closed();
  });
  document.body.append(shown);
  shown.showModal();
  void read();
}
