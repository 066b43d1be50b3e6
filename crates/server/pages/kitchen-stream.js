// @ts-check
import { Refused, call } from './api.js';
import { listen } from './event-stream.js';
import { compare, readOpen, take } from './kitchen-tickets.js';

/**
 * How the board learns of tickets: `live` as they change, `asking` every few seconds, `cut` not at all.
 * @typedef {'live' | 'asking' | 'cut'} Connection
 */

const POLL = 3_000;
const LONGEST = 10_000;
/** A transaction that stays open holds up every stream: now and then, what is open is listed even so. */
const COMPARED = 20_000;
/** A stream that lasted so long ends because the session is renewed, and goes on at once. */
const LASTING = 30_000;

/** @type {(connection: Connection, isListed: boolean) => void} */
let tell = () => undefined;
/** What the board shows is watched until this is aborted. */
let watching = new AbortController();
let isLive = false;

/**
 * Hears how the board is connected, and whether all that is open has been listed.
 * @param {(connection: Connection, isListed: boolean) => void} listener
 */
export const onConnection = (listener) => void (tell = listener);

/** Ends the wait for the next attempt. @type {() => void} */
let hurry = () => undefined;
/** Ends the stream. @type {() => void} */
let hangUp = () => undefined;

/** @param {number} milliseconds */
const wait = (milliseconds) => new Promise((/** @type {(_?: unknown) => void} */ resolve) => {
  hurry = resolve;
  setTimeout(resolve, milliseconds);
});

/** @param {string} name @param {string} data */
function hear(name, data) {
  if (name === 'ticket') take([JSON.parse(data)]);
  if (name === 'snapshot') {
    void compare(JSON.parse(data).tickets);
    tell('live', true);
  }
}

/**
 * After how long to try again. Sessions that have ended are gone on with first.
 * @param {unknown} error @param {number} attempt @param {() => void} gone @param {string} station
 */
async function pause(error, attempt, gone, station) {
  const spread = 0.5 + Math.random();
  if (error instanceof Refused) {
    const { status, retryAfter } = error.problem;
    // Whoever is asked to sign in is asked by this.
    if (status === 401 || status === 403) return call('GET', '/v1/kitchen/stations?limit=1').then(() => 0, () => POLL);
    if (status === 404 && station) gone();
    if (retryAfter) return retryAfter * 1_000 * spread;
  }
  return Math.min(LONGEST, 500 * 2 ** attempt) * spread;
}

/** @param {string} station @param {AbortSignal} signal @param {() => void} gone */
async function follow(station, signal, gone) {
  const path = `/v1/kitchen/events${station && `?station=${station}`}`;
  let lastId = '';
  let attempt = 0;
  while (!signal.aborted) {
    let opened = 0;
    let delay;
    const stream = new AbortController();
    hangUp = () => stream.abort();
    signal.addEventListener('abort', hangUp, { once: true });
    try {
      const again = await listen(path, {
        lastId,
        signal: stream.signal,
        opened: () => {
          opened = Date.now();
          attempt = 0;
          isLive = true;
          tell('live', false);
        },
        hear: (name, data, id) => {
          if (signal.aborted) return;
          if (id) lastId = id;
          hear(name, data);
        },
      });
      delay = Date.now() - opened > LASTING ? Math.random() * 200 : again ?? 1_000;
    } catch (error) {
      if (signal.aborted) return;
      if (isLive) tell('cut', false);
      isLive = false;
      void ask(signal);
      delay = await pause(error, attempt++, gone, station);
    } finally {
      signal.removeEventListener('abort', hangUp);
    }
    isLive = false;
    void ask(signal);
    await wait(delay);
  }
}

let isAsking = false;

/** Asks again and again, for as long as there is no stream. @param {AbortSignal} signal */
async function ask(signal) {
  if (isAsking) return;
  isAsking = true;
  // One that is about to come back is not missed.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  while (!isLive && !signal.aborted) {
    try {
      await readOpen();
      if (!isLive) tell('asking', true);
    } catch {
      if (!isLive) tell('cut', false);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
  isAsking = false;
}

/**
 * Follows the tickets of a station, or of all, and those of no other any more.
 * @param {string} station
 * @param {() => void} gone there is no such station
 */
export function watch(station, gone) {
  watching.abort();
  watching = new AbortController();
  isLive = false;
  void follow(station, watching.signal, gone);
}

// It would be noticed only after a while that nothing arrives any more.
globalThis.addEventListener('offline', () => hangUp());
globalThis.addEventListener('online', () => hurry());
document.addEventListener('visibilitychange', () => document.hidden || hurry());
setInterval(() => {
  if (isLive) void readOpen().catch(() => undefined);
}, COMPARED);
