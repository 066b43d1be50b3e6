// @ts-check
import { Refused, now, wordsOf } from './api.js';
import { complain, isOff, locale, make, text, times, turnOff, zone } from './elements.js';
import { dismiss, isOpen, move, readOrder, ticket as known } from './kitchen-tickets.js';

/** @typedef {import('./kitchen-tickets.js').Ticket} Ticket */
/** @typedef {import('./kitchen-tickets.js').Line} Line */

/** After how many minutes somebody has waited for long. */
const LONG = 15;

const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', timeZone: zone });

/** @type {Map<string, string>} The names of stations. */
export const stations = new Map();

/** What the buttons of a card do, by its state: the large one first. @type {Record<string, string[]>} */
const WAYS = { queued: ['cooking', 'ready'], cooking: ['ready'], ready: ['cooking'], void: ['seen'] };

/** The card of a ticket. @param {string} id @returns {HTMLElement | null} */
export const cardOf = (id) => document.getElementById(`ticket-${id}`);

/** @param {Line} line */
function made({ name, quantity, note, selections }) {
  const chosen = selections.map((selection) => make('li', {},
    make('span', { className: 'group' }, `${selection.group}: `), times(selection.quantity, selection.name)));
  return make('li', {},
    make('p', { className: 'made' }, make('span', { className: 'quantity' }, `${quantity} ×`), ' ', name),
    ...(chosen.length ? [make('ul', { className: 'chosen' }, ...chosen)] : []),
    ...(note ? [make('p', { className: 'remark' }, note)] : []));
}

/** How long ago something was, in minutes and seconds. @param {string} time */
export function age(time) {
  const seconds = Math.max(0, Math.floor((now() - Date.parse(time)) / 1_000));
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3_600)];
  const two = (/** @type {number} */ number) => String(number % 60).padStart(2, '0');
  return { minutes, words: hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}` };
}

/** @param {HTMLElement} card @param {Ticket} ticket */
export function grow(card, { state, created_at, updated_at }) {
  const { minutes, words } = age(isOpen({ state }) ? created_at : updated_at);
  /** @type {HTMLElement} */ (card.querySelector('.age')).textContent = words;
  const isLate = isOpen({ state }) && minutes >= LONG;
  if (isLate !== 'late' in card.dataset) {
    card.toggleAttribute('data-late', isLate);
    /** @type {HTMLElement} */ (card.querySelector('.late')).hidden = !isLate;
  }
}

/** Makes an empty card. @param {string} id */
export function card(id) {
  const buttons = [0, 1].map(() => make('button', { type: 'button' }));
  buttons[0].className = 'primary';
  for (const button of buttons) button.addEventListener('click', () => void press(id, button));
  const print = make('button', { type: 'button', className: 'quiet print' }, text('ticket_print'));
  print.addEventListener('click', () => printed(id));
  return make('li', { className: 'ticket', id: `ticket-${id}` },
    make('header', {},
      make('h3', { id: `number-${id}` }),
      make('p', { className: 'since' }, make('span', { className: 'age' }), make('time')),
      make('p', { className: 'marks' }, make('span', { className: 'state' }), ' ',
        make('span', { className: 'late', hidden: true }, text('ticket_late')))),
    make('p', { className: 'station' }),
    make('ul', { className: 'made' }),
    make('p', { className: 'remark whole' }),
    make('p', { className: 'problem', role: 'alert', hidden: true }),
    make('footer', {}, ...buttons, print));
}

/** Shows a ticket on its card. @param {HTMLElement} card @param {Ticket} ticket @param {boolean} withStation */
export function fill(card, ticket, withStation) {
  const part = (/** @type {string} */ selector) => /** @type {any} */ (card.querySelector(selector));
  card.dataset.state = ticket.state;
  part('h3').textContent = ticket.number;
  part('time').dateTime = ticket.created_at;
  part('time').textContent = clock.format(Date.parse(ticket.created_at));
  part('.state').textContent = text(`ticket_${ticket.state}`);
  part('.station').textContent = stations.get(ticket.station_id) ?? '';
  part('.station').hidden = !withStation;
  part('ul.made').replaceChildren(...ticket.lines.map(made));
  complain(part('.whole'), ticket.note ?? '');
  complain(part('.problem'));
  const ways = WAYS[ticket.state] ?? [];
  card.querySelectorAll('footer button:not(.print)').forEach((button, at) => label(button, ticket, ways[at]));
  grow(card, ticket);
}

/** @param {any} button @param {Ticket} ticket @param {string | undefined} way */
function label(button, ticket, way) {
  button.hidden = !way;
  turnOff(button, false);
  if (!way) return;
  const name = ticket.state === 'ready' ? 'recall' : way;
  button.dataset.way = way;
  button.replaceChildren(text(`ticket_to_${name}`), make('span', { className: 'unseen' }, ` ${ticket.number}`));
}

/** @param {string} id @param {HTMLElement} button */
async function press(id, button) {
  const ticket = known(id);
  const way = /** @type {Ticket['state'] | 'seen' | undefined} */ (button.dataset.way);
  if (!ticket || !way || isOff(button)) return;
  if (way === 'seen') return dismiss(id);
  const problem = /** @type {HTMLElement} */ (cardOf(id)?.querySelector('.problem'));
  complain(problem);
  turnOff(button, true);
  button.firstChild?.replaceWith(text('ticket_sending'));
  try {
    await move(id, way);
  } catch (error) {
    const isOver = error instanceof Refused && error.problem.code === 'invalid-transition';
    // What it has become meanwhile is shown before it is said that it stays so.
    if (isOver) await readOrder(ticket.order_id).catch(() => undefined);
    complain(problem, isOver ? text('ticket_stays') : wordsOf(error));
  } finally {
    const current = known(id);
    if (current) label(button, current, (WAYS[current.state] ?? [])[button.classList.contains('primary') ? 0 : 1]);
  }
}

/** Prints one ticket. @param {string} id */
function printed(id) {
  const card = cardOf(id);
  if (!card) return;
  document.documentElement.classList.add('one');
  card.classList.add('printed');
  addEventListener('afterprint', () => {
    document.documentElement.classList.remove('one');
    card.classList.remove('printed');
  }, { once: true });
  print();
}
