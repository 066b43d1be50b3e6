// @ts-check
import { announce, learn, make, text, the } from './elements.js';
import { accounts, locks } from './office-accounts.js';
import { address, addressWith, followAddress, go, onAddress } from './office-address.js';
import { choices } from './office-choices.js';
import { menu } from './office-menu.js';
import { letters, log } from './office-operations.js';
import { orders } from './office-orders.js';
import { sales } from './office-sales.js';
import { shortcuts } from './office-shortcuts.js';
import { stations } from './office-stations.js';
import { stocktake } from './office-stocktake.js';
import { supplies } from './office-supplies.js';
import { texts } from './office-texts.js';
import { fail, toasts } from './office-toast.js';
import { onStaff, signOut, staff } from './staff.js';

learn(texts);

/**
 * @typedef {{ id: string, name: string, role: string }} Member
 * @typedef {{ show: (at: URLSearchParams) => Promise<void>, leave?: () => void }} Shown
 * @typedef {{ name: string, key: string, admins?: boolean,
 *   open: (place: HTMLElement, member: Member) => Shown }} Section
 */

/** What there is to see; `key` is pressed after `g`. @type {Section[]} */
const SECTIONS = [
  { name: 'orders', key: 'o', open: orders },
  { name: 'menu', key: 'm', open: menu },
  { name: 'choices', key: 'c', open: choices },
  { name: 'supplies', key: 's', open: supplies },
  { name: 'stocktake', key: 't', open: stocktake },
  { name: 'sales', key: 'r', open: sales },
  { name: 'stations', key: 'k', open: stations },
  { name: 'accounts', key: 'a', open: accounts, admins: true },
  { name: 'locks', key: 'l', open: locks, admins: true },
  { name: 'letters', key: 'd', open: letters, admins: true },
  { name: 'log', key: 'j', open: log, admins: true },
];

/** @type {Member | null} */
let member = null;
/** @type {{ section: Section, shown: Shown } | null} */
let current = null;

/** What this member may see. */
const allowed = () => SECTIONS.filter(({ admins }) => !admins || member?.role === 'admin');

function wanted() {
  const view = address().get('view') ?? SECTIONS[0].name;
  return SECTIONS.find((section) => section.name === view) ?? SECTIONS[0];
}

/** @param {Section} section */
function navigate(section) {
  for (const link of the('sections').querySelectorAll('a')) {
    if (link.dataset.view === section.name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  the('sections').querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
}

/** @param {Section} section @param {boolean} moved whether somebody came here from another section */
function open(section, moved) {
  current?.shown.leave?.();
  current = null;
  const heading = the('section-title');
  heading.textContent = text(section.name);
  document.title = `${text(section.name)} · ${text('office')}`;
  navigate(section);
  const place = the('section');
  place.replaceChildren();
  if (!member) return;
  if (!allowed().includes(section)) {
    place.append(make('p', { className: 'notice' }, text('admins_only')));
  } else {
    current = { section, shown: section.open(place, member) };
  }
  if (!moved) return;
  heading.focus();
  announce(text(section.name));
}

/** Shows what the address says. */
function show() {
  const section = wanted();
  if (current?.section !== section) open(section, current !== null);
  void current?.shown.show(address()).catch(fail);
  const language = the('language');
  language.href = addressWith({ lang: language.hreflang });
}

/** @param {Member} who */
function welcome(who) {
  const before = member;
  member = who;
  the('member').textContent = text('office_signed_in', { name: who.name, role: text(`role_${who.role}`) });
  // The session of the same person may have ended and begun again: what is on the page stays.
  if (before?.id === who.id && before.role === who.role) return;
  current?.shown.leave?.();
  current = null;
  the('sections').replaceChildren(...allowed().map((section) => {
    const link = make('a', { href: addressWith({ view: section.name }, true) }, text(section.name));
    Object.assign(link.dataset, { within: '', view: section.name });
    return make('li', {}, link);
  }));
  show();
}

toasts();
onStaff(welcome);
onAddress(() => member && show());
followAddress();
shortcuts(() => allowed().map((section) => ({
  key: section.key, words: text(section.name), work: () => go(addressWith({ view: section.name }, true)),
})));
the('sign-out').addEventListener('click', () => void signOut().catch(fail));
document.documentElement.classList.add('ready');
void staff().catch(fail);
