// @ts-check
import { make, text, the } from './elements.js';
import { takeBack } from './office-toast.js';

const STORE = 'comanda.shortcuts';
const PATIENCE = 1_500;

/** Whether single keys do something: they can be switched off, for those who dictate or tremble. */
let on = true;
try {
  on = localStorage.getItem(STORE) !== 'off';
} catch {
  // They stay on.
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && Boolean(target.closest('input, select, textarea, [contenteditable]'));
}

/** @param {{ key: string, words: string }[]} sections */
function explain(sections) {
  const keys = [
    ['/', text('shortcut_search')], ['u', text('shortcut_undo')], ['?', text('shortcut_help')],
    ...sections.map(({ key, words }) => [`g ${key}`, words]),
  ];
  the('shortcuts-list').replaceChildren(...keys.flatMap(([key, words]) =>
    [make('dt', {}, ...key.split(' ').flatMap((one) => [make('kbd', {}, one), ' '])), make('dd', {}, words)]));
  the('shortcuts-on').checked = on;
  the('shortcuts').showModal();
}

/** @param {() => { key: string, words: string, work: () => void }[]} sections where `g` and a key lead */
export function shortcuts(sections) {
  let going = 0;
  the('shortcuts-on').addEventListener('change', (/** @type {Event} */ event) => {
    on = /** @type {HTMLInputElement} */ (event.target).checked;
    try {
      localStorage.setItem(STORE, on ? 'on' : 'off');
    } catch {
      // It holds until the page is left.
    }
  });
  the('shortcuts-open').addEventListener('click', () => explain(sections()));
  the('shortcuts-close').addEventListener('click', () => the('shortcuts').close());
  document.addEventListener('keydown', (event) => {
    const held = event.ctrlKey || event.metaKey || event.altKey;
    if (!on || held || event.defaultPrevented || isTyping(event.target)) return;
    if (document.querySelector('dialog[open]')) return;
    const { key } = event;
    const now = Date.now();
    if (now - going < PATIENCE) {
      going = 0;
      const section = sections().find((section) => section.key === key);
      if (!section) return;
      event.preventDefault();
      return section.work();
    }
    if (key === 'g') going = now;
    else if (key === 'u') void takeBack();
    else if (key === '?') explain(sections());
    else if (key === '/') {
      const search = /** @type {HTMLElement | null} */ (document.querySelector('[data-search]'));
      search?.focus();
      event.preventDefault();
    }
  });
}
