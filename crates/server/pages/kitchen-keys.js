// @ts-check
import { the } from './elements.js';

/** @param {Element} element */
const middle = (element) => {
  const { x, y, width, height } = element.getBoundingClientRect();
  return { x: x + width / 2, y: y + height / 2, top: y, bottom: y + height };
};

/**
 * The card in the row above or below that is nearest.
 * @param {Element[]} cards @param {Element} from @param {boolean} down
 */
function across(cards, from, down) {
  const here = middle(from);
  const beyond = cards.filter((card) => (down ? middle(card).top >= here.bottom : middle(card).bottom <= here.top));
  const distance = (/** @type {Element} */ card) => {
    const there = middle(card);
    return Math.hypot(there.x - here.x, (there.y - here.y) * 2);
  };
  return beyond.sort((a, b) => distance(a) - distance(b))[0];
}

/** @param {Element | undefined} card */
function focus(card) {
  const button = /** @type {HTMLElement | null | undefined} */ (card?.querySelector('footer button:not([hidden])'));
  button?.focus();
  card?.scrollIntoView({ block: 'nearest' });
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  const isAmong = the('tickets').contains(document.activeElement);
  const isNumber = /^[1-9]$/.test(event.key);
  // Single characters are for whoever is among the cards: others may speak them, or press them by mistake.
  if (!isAmong && (isNumber || document.activeElement !== document.body)) return;
  const cards = [...the('tickets').querySelectorAll('.ticket')];
  const current = document.activeElement?.closest('.ticket');
  const at = current ? cards.indexOf(current) : -1;
  /** @type {Record<string, () => Element | undefined>} */
  const ways = {
    ArrowRight: () => cards[at + 1],
    ArrowLeft: () => cards[at - 1],
    ArrowDown: () => (current ? across(cards, current, true) : cards[0]),
    ArrowUp: () => (current ? across(cards, current, false) : cards[0]),
    Home: () => cards[0],
    End: () => cards[cards.length - 1],
  };
  const way = isNumber ? () => cards[Number(event.key) - 1] : ways[event.key];
  const next = way?.();
  if (!next) return;
  event.preventDefault();
  focus(next);
}

/** Arrows and numbers lead from card to card. */
export const keys = () => document.addEventListener('keydown', onKey);
