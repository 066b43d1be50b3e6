// @ts-check
import { hasText, seconds, text } from './elements.js';

/**
 * @typedef {{ pointer: string, code: string, detail: string }} Violation
 * What a request was refused with. Nothing but the status is sure: something before the server may have answered.
 * @typedef {Partial<Omit<import('./api-types').components['schemas']['Problem'], 'code'>>
 *   & { status: number, code: string, detail: string, retryAfter?: number, limit?: string }} Problem
 */

/** A request that was answered with a problem. */
export class Refused extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** A request of which nobody knows whether it has arrived. */
export class Unanswered extends Error {}

const WAIT = 15_000;

/** How far the server's clock is ahead of the browser's. */
let ahead = 0;

/** The time by the server's clock. */
export const now = () => Date.now() + ahead;

/** @param {Response} response @param {number} sent */
function readClock(response, sent) {
  const date = Date.parse(response.headers.get('date') ?? '');
  // It is in whole seconds, and was written somewhere on the way.
  if (date) ahead = date + 500 - (sent + Date.now()) / 2;
}

/** @type {((problem: Problem, path: string) => Promise<boolean>) | undefined} */
let refused;

/**
 * What happens when a request is refused: if it resolves to `true`, the request is sent again.
 * @param {(problem: Problem, path: string) => Promise<boolean>} work
 */
export const whenRefused = (work) => void (refused = work);

/** The token of the session, which proves that this page sends a request; every session has its own. */
export function sessionToken() {
  const cookies = document.cookie.split('; ');
  const named = (/** @type {string} */ name) => cookies.find((cookie) => cookie.startsWith(`${name}=`));
  // Over plain http, the one with the prefix may be left from a time with other settings.
  const names = location.protocol === 'https:' ? ['__Host-csrf', 'csrf'] : ['csrf', '__Host-csrf'];
  const cookie = named(names[0]) ?? named(names[1]);
  return cookie?.slice(cookie.indexOf('=') + 1);
}

/** Whether this browser may have a session. */
export const mayBeSignedIn = () => sessionToken() !== undefined;

/**
 * @template {string} Method
 * @template {string} Path
 * @param {Method & import('./calls').MethodOf<Path>} method
 * @param {Path} path
 * @param {{ body?: import('./calls').Body<Method, Path>, key?: string, revision?: number, wait?: number,
 *   last?: { tag: string | null } }} [options]
 *   `revision` is the one that is changed; `wait`: for how many milliseconds; `last`: if the response has the `ETag`
 *   that the last one had, it is not read, and the outcome is `undefined`
 * @returns {Promise<import('./calls').Answer<Method, Path>>} the body of the response
 */
export async function call(method, path, options = {}) {
  const { body, key, revision, wait = WAIT, last } = options;
  /** @type {Record<string, string>} */
  const headers = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (key) headers['idempotency-key'] = key;
  if (revision !== undefined) headers['if-match'] = `"${revision}"`;
  const token = sessionToken();
  if (method !== 'GET' && token) headers['x-csrf-token'] = token;
  const sent = Date.now();
  let response;
  let read;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      credentials: 'same-origin',
      cache: method === 'GET' ? 'no-cache' : 'no-store',
      redirect: 'error',
      signal: AbortSignal.timeout(wait),
    });
    if (last && response.ok) {
      const tag = response.headers.get('etag');
      // The browser has asked, and gives its own copy.
      if (tag && tag === last.tag) {
        await response.body?.cancel();
        return /** @type {any} */ (undefined);
      }
    }
    read = await response.text();
  } catch {
    throw new Unanswered(text('error_network'));
  }
  let content;
  try {
    content = read ? JSON.parse(read) : undefined;
  } catch {
    // Something between here and the server has answered.
    throw new Unanswered(text('error_unknown'));
  }
  readClock(response, sent);
  if (last && response.ok) last.tag = response.headers.get('etag');
  if (response.ok) return content;
  const retryAfter = Number(response.headers.get('retry-after')) || undefined;
  const problem = { code: '', detail: text('error_unknown'), ...content, status: response.status, retryAfter };
  if (await refused?.(problem, path)) return call(method, path, options);
  throw new Refused(problem);
}

/** A key that no other request has. `randomUUID` is only there on https and localhost. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Whether nobody is signed in any more. @param {unknown} error */
export const isSignedOut = (error) =>
  error instanceof Refused && ['unauthenticated', 'session-revoked', 'invalid-csrf-token'].includes(error.problem.code);

/** A problem in the language of the page; as the server says it, if the page has no words. @param {Problem} problem */
export function wordsOfProblem({ code, limit, detail, retryAfter }) {
  const names = [`problem_${code}_${limit}`, `problem_${code}`];
  const name = names.find(hasText);
  return name ? text(name, { wait: seconds(retryAfter ?? 60) }) : detail || text('error_unknown');
}

/** A value that is refused, in the same way. @param {Violation} violation */
export function wordsOfViolation({ code, detail }) {
  return hasText(`violation_${code}`) ? text(`violation_${code}`) : detail;
}

/** What to say to the customer. @param {unknown} error */
export function wordsOf(error) {
  if (error instanceof Refused) return wordsOfProblem(error.problem);
  return error instanceof Unanswered ? error.message : text('error_unknown');
}
