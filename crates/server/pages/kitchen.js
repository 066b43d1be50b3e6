// @ts-check
import { call } from './api.js';
import { announce, complain, learn, locale, text, the, zone } from './elements.js';
import { card, cardOf, fill, grow, stations } from './kitchen-card.js';
import { keys } from './kitchen-keys.js';
import { ring, sound, warn } from './kitchen-sound.js';
import { onConnection, watch } from './kitchen-stream.js';
import { texts } from './kitchen-texts.js';
import { forgetPassed, isOpen, onNews, showOnly, ticket } from './kitchen-tickets.js';
import { onStaff, signOut, staff } from './staff.js';

/** @typedef {import('./kitchen-tickets.js').News} News */
/** @typedef {import('./kitchen-tickets.js').Ticket} Ticket */

const STORE = 'comanda.station';
/** For how long what is said is collected. */
const TOGETHER = 300;
/** How long a connection may be gone before anybody is told. */
const UNNOTICED = 3_000;

learn(texts);
const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'short', timeZone: zone });
/** What is there when the page is opened is not new. */
let isReady = false;
let station = '';

/** @param {string} id */
function remember(id) {
  try {
    if (id) localStorage.setItem(STORE, id);
    else localStorage.removeItem(STORE);
  } catch {
    // The address says it, too.
  }
}

/** The station in the address, otherwise the one of the last time. */
function wanted() {
  const named = new URLSearchParams(location.search).get('station');
  if (named !== null) return named;
  try {
    return localStorage.getItem(STORE) ?? '';
  } catch {
    return '';
  }
}

/** @param {string} id */
function addressOf(id) {
  const address = new URL(location.href);
  address.searchParams.set('station', id);
  return address.pathname + address.search;
}

function showStations() {
  const links = [['', text('station_all')], ...stations].map(([id, name]) => {
    const link = Object.assign(document.createElement('a'), { href: addressOf(id), textContent: name });
    if (id === station) link.setAttribute('aria-current', 'page');
    link.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      history.pushState(null, '', addressOf(id));
      choose(id);
    });
    const entry = document.createElement('li');
    entry.append(link);
    return entry;
  });
  const focused = document.activeElement?.closest('#stations') ? station : null;
  the('stations').replaceChildren(...links);
  if (focused !== null) the('stations').querySelector('[aria-current]')?.focus();
  const here = new URLSearchParams({ lang: the('language').lang, station });
  the('language').href = `/kitchen?${here}`;
}

/** @param {string} id of a station, or nothing for all */
function choose(id) {
  station = stations.has(id) ? id : '';
  if (station !== id) history.replaceState(null, '', addressOf(station));
  remember(station);
  document.title = [stations.get(station), text('kitchen')].filter(Boolean).join(' · ');
  showStations();
  showOnly(station);
  isReady = false;
  watch(station, () => void readStations().then(() => choose(''), () => undefined));
}

async function readStations() {
  const { data } = await call('GET', '/v1/kitchen/stations?limit=100');
  stations.clear();
  for (const { id, name } of data) stations.set(id, name);
}

/** Puts a card where it belongs: open ones by age, those that are ready the last one first. @param {Ticket} next */
function put(next) {
  const shown = cardOf(next.id) ?? card(next.id);
  const list = the(next.state === 'ready' ? 'ready' : 'open');
  const isMoved = shown.parentElement !== list;
  const hadFocus = isMoved && shown.contains(document.activeElement);
  const neighbour = hadFocus && (shown.nextElementSibling ?? shown.previousElementSibling);
  fill(shown, next, !station);
  if (isMoved) list.insertBefore(shown, placeOf(list, next));
  if (hadFocus) /** @type {any} */ ((neighbour || shown).querySelector('footer button')).focus();
}

/** @param {HTMLElement} list @param {Ticket} next */
function placeOf(list, next) {
  const comesAfter = (/** @type {Element} */ other) => {
    const known = ticket(other.id.slice('ticket-'.length));
    if (!known) return false;
    if (next.state === 'ready') return known.updated_at < next.updated_at;
    return known.created_at > next.created_at || (known.created_at === next.created_at && known.id > next.id);
  };
  if (next.state === 'ready') return [...list.children].find(comesAfter) ?? null;
  // Nearly always, it is the newest.
  let place = null;
  for (let other = list.lastElementChild; other && comesAfter(other); other = other.previousElementSibling) {
    place = other;
  }
  return place;
}

/** @param {News} news */
function show({ changed, added, gone }) {
  const dropped = changed.filter(({ id, state }) => state === 'void' && cardOf(id));
  for (const next of changed) put(next);
  for (const id of gone) {
    const old = cardOf(id);
    const hadFocus = old?.contains(document.activeElement);
    const neighbour = old?.nextElementSibling ?? old?.previousElementSibling;
    old?.remove();
    if (hadFocus) /** @type {any} */ (neighbour?.querySelector('footer button') ?? the('tickets')).focus();
  }
  the('nothing').hidden = the('open').childElementCount > 0;
  the('done').hidden = the('ready').childElementCount === 0;
  if (isReady) tellLater('ticket_new', added.filter(isOpen));
  if (isReady) tellLater('ticket_dropped', dropped);
}

/** What is to be said, by the name of its text. @type {Map<string, string[]>} */
const unsaid = new Map();

/**
 * Tickets often come in bursts, of which a screen reader would read only the last.
 * @param {string} name
 * @param {Ticket[]} some
 */
function tellLater(name, some) {
  if (!some.length) return;
  if (!unsaid.size) setTimeout(tellNow, TOGETHER);
  unsaid.set(name, [...(unsaid.get(name) ?? []), ...some.map(({ number }) => number)]);
}

function tellNow() {
  if (unsaid.has('ticket_new')) ring();
  else warn();
  announce([...unsaid].map(([name, numbers]) => text(name, { numbers: numbers.join(', ') })).join(' '));
  unsaid.clear();
}

let lostAt = 0;
let connection = 'live';

function showConnection() {
  const isLost = lostAt > 0 && Date.now() - lostAt >= UNNOTICED;
  const words = isLost ? text(`connection_${connection}`, { time: clock.format(lostAt) }) : '';
  if (the('connection').textContent !== words) complain(the('connection'), words);
  the('tickets').setAttribute('aria-busy', String(!isReady));
}

onConnection((next, isListed) => {
  connection = next;
  if (next === 'live') lostAt = 0;
  else lostAt ||= Date.now();
  isReady ||= isListed;
  showConnection();
});

/** Keeps the screen on. Browsers forget it whenever the page is not to be seen. */
async function stayAwake() {
  if (!document.hidden) await navigator.wakeLock?.request('screen').catch(() => undefined);
}

onNews(show);
onStaff(({ name }) => (the('whose').textContent = name));
await staff();
for (;;) {
  try {
    await readStations();
    break;
  } catch {
    lostAt ||= Date.now();
    connection = 'cut';
    showConnection();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
}
sound();
keys();
the('sign-out').addEventListener('click', () => void signOut().catch(() => undefined));
addEventListener('popstate', () => choose(wanted()));
choose(wanted());
document.documentElement.classList.add('ready');
setInterval(() => {
  for (const shown of document.querySelectorAll('.ticket')) {
    const known = ticket(shown.id.slice('ticket-'.length));
    if (known) grow(/** @type {HTMLElement} */ (shown), known);
  }
  forgetPassed();
  showConnection();
}, 1_000);
document.addEventListener('visibilitychange', () => void stayAwake());
void stayAwake();
