// @ts-check
import { isOff, make, text, the, turnOff } from './elements.js';
import { problemWords } from './office-list.js';

/** @type {(() => Promise<unknown>) | null} */
let undo = null;

function clear() {
  undo = null;
  // Whoever has pressed a button in it goes on from the top of the section.
  const hadFocus = the('toast').contains(document.activeElement);
  the('toast').hidden = true;
  if (hadFocus && !document.querySelector('dialog[open]')) the('section-title').focus();
  the('toast-words').textContent = the('toast-problem').textContent = '';
}

/** Shows it where it can be reached: an open dialog makes everything else inert. */
function show() {
  const dialogs = document.querySelectorAll('dialog[open]');
  (dialogs[dialogs.length - 1] ?? document.body).append(the('toast'));
  the('toast').hidden = false;
}

/** Takes it out of a dialog that goes away. @param {HTMLDialogElement} dialog */
export function keepToast(dialog) {
  if (dialog.contains(the('toast'))) document.body.append(the('toast'));
}

/**
 * Says what was done, and offers to take it back. It stays until something else is done.
 * @param {string} words
 * @param {() => Promise<unknown>} [takeBack]
 */
export function say(words, takeBack) {
  clear();
  undo = takeBack ?? null;
  the('toast-undo').hidden = !takeBack;
  show();
  the('toast-words').textContent = words;
}

/** Says what went wrong. @param {unknown} error */
export function fail(error) {
  clear();
  if (error instanceof DOMException && error.name === 'AbortError') return;
  the('toast-undo').hidden = true;
  show();
  the('toast-problem').textContent = problemWords(error);
}

/** Takes the last change back, if it can be. */
export async function takeBack() {
  const last = undo;
  if (!last) return;
  clear();
  try {
    await last();
    say(text('undone'));
  } catch (error) {
    fail(error);
  }
}

/**
 * A button that works once at a time.
 * @param {string} words
 * @param {{ about?: string, key?: string, className?: string }} what `about` is for those who do not see the row, and
 *   `key` finds the button again when the row is made anew
 * @param {() => Promise<unknown> | unknown} work
 */
export function button(words, { about, key, className = '' }, work) {
  const unseen = about ? [make('span', { className: 'unseen' }, `: ${about}`)] : [];
  const element = make('button', { type: 'button', className }, words, ...unseen);
  if (key) element.dataset.key = key;
  element.addEventListener('click', async () => {
    if (isOff(element)) return;
    turnOff(element, true);
    try {
      await work();
    } catch (error) {
      fail(error);
    } finally {
      turnOff(element, false);
    }
  });
  return element;
}

export function toasts() {
  the('toast-undo').addEventListener('click', () => void takeBack());
  the('toast-close').addEventListener('click', clear);
}
