// @ts-check
// What the page shows is in its address: a reload shows the same, and the browser goes back and forth.

/** @type {(() => void)[]} */
const listeners = [];

/** @param {() => void} listener */
export const onAddress = (listener) => void listeners.push(listener);

export const address = () => new URLSearchParams(location.search);

/**
 * The address with other values; an empty one is left out.
 * @param {Record<string, string | null | undefined>} changes
 * @param {boolean} [elsewhere] whether it is another section: then only the language stays
 */
export function addressWith(changes, elsewhere = false) {
  const next = new URLSearchParams();
  for (const [name, value] of address()) {
    if (!(name in changes) && (!elsewhere || name === 'lang')) next.append(name, value);
  }
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
  }
  const query = next.toString();
  return query ? `${location.pathname}?${query}` : location.pathname;
}

/** @param {string} to @param {boolean} [replace] whether the browser forgets where it was */
export function go(to, replace = false) {
  if (to === location.pathname + location.search) return;
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  for (const listener of listeners) listener();
}

/** Links to other sections need no new page. */
export function followAddress() {
  addEventListener('popstate', () => {
    for (const listener of listeners) listener();
  });
  document.addEventListener('click', (event) => {
    const link = /** @type {HTMLElement} */ (event.target).closest('a');
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!plain || event.defaultPrevented || !link || link.dataset.within === undefined) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
