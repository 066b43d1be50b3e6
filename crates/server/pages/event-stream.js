// @ts-check
import { Refused } from './api.js';
import { text } from './elements.js';

/** How long a stream may be silent: the server sends something at least every fifteen seconds. */
const SILENCE = 20_000;
/** How long it may take to begin. */
const BEGIN = 6_000;

/**
 * What arrives, event by event (<whatwg.org>, "Server-sent events").
 * @param {(name: string, data: string, id: string) => void} hear
 * @param {(milliseconds: number) => void} hint when to come again
 */
function parser(hear, hint) {
  let rest = '';
  let name = '';
  let id = '';
  /** @type {string[]} */
  let data = [];
  const line = (/** @type {string} */ written) => {
    if (written === '') {
      if (data.length) hear(name || 'message', data.join('\n'), id);
      [name, data] = ['', []];
      return;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(written) ?? [];
    if (field === 'event') name = value;
    if (field === 'data') data.push(value);
    if (field === 'id') id = value;
    if (field === 'retry' && /^\d+$/.test(value)) hint(Number(value));
  };
  return (/** @type {string} */ chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const written of lines) line(written);
  };
}

/** @param {Response} response */
async function refusal(response) {
  const content = await response.json().catch(() => ({}));
  const retryAfter = Number(response.headers.get('retry-after')) || undefined;
  return new Refused({ code: '', detail: text('error_unknown'), ...content, status: response.status, retryAfter });
}

/**
 * Listens until the server ends the stream. Unlike an `EventSource`, it notices a connection that is silently gone, and
 * says why it is refused. Fails when the stream breaks off.
 * @param {string} path
 * @param {{ lastId: string, signal: AbortSignal, opened: () => void,
 *   hear: (name: string, data: string, id: string) => void }} options `lastId` is that of the last event that was heard
 * @returns {Promise<number | undefined>} after how many milliseconds to come again
 */
export async function listen(path, { lastId, signal, opened, hear }) {
  const silent = new AbortController();
  const stop = () => silent.abort();
  signal.addEventListener('abort', stop, { once: true });
  let timer = setTimeout(stop, BEGIN);
  /** @type {number | undefined} */
  let again;
  try {
    const response = await fetch(path, {
      headers: { accept: 'text/event-stream', ...(lastId && { 'last-event-id': lastId }) },
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal: silent.signal,
    });
    if (!response.ok || !response.body) throw await refusal(response);
    let isOpen = false;
    const parse = parser(hear, (milliseconds) => (again = milliseconds));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return again;
      clearTimeout(timer);
      timer = setTimeout(stop, SILENCE);
      // The server begins with something at once. What keeps that back keeps back everything.
      if (!isOpen) opened();
      isOpen = true;
      parse(value);
    }
  } finally {
    clearTimeout(timer);
    silent.abort();
    signal.removeEventListener('abort', stop);
  }
}
