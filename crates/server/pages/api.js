// @ts-check
import { text } from './elements.js';

/**
 * What a request was refused with. Nothing but the status is sure: something before the server may have answered.
 * @typedef {Partial<Omit<import('./api-types').components['schemas']['Problem'], 'code'>>
 *   & { status: number, code: string, detail: string, retryAfter?: number }} Problem
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

/** The token of the session, which proves that this page sends a request. */
function csrfToken() {
  const cookies = document.cookie.split('; ');
  const named = (/** @type {string} */ name) => cookies.find((cookie) => cookie.startsWith(`${name}=`));
  // Over plain http, the one with the prefix may be left from a time with other settings.
  const names = location.protocol === 'https:' ? ['__Host-csrf', 'csrf'] : ['csrf', '__Host-csrf'];
  const cookie = named(names[0]) ?? named(names[1]);
  return cookie?.slice(cookie.indexOf('=') + 1);
}

/** Whether this browser may have a session. */
export const mayBeSignedIn = () => csrfToken() !== undefined;

/**
 * @template {string} Method
 * @template {string} Path
 * @param {Method & import('./calls').MethodOf<Path>} method
 * @param {Path} path
 * @param {{ body?: import('./calls').Body<Method, Path>, key?: string }} [options]
 * @returns {Promise<import('./calls').Answer<Method, Path>>} the body of the response
 */
export async function call(method, path, { body, key } = {}) {
  /** @type {Record<string, string>} */
  const headers = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (key) headers['idempotency-key'] = key;
  const token = csrfToken();
  if (method !== 'GET' && token) headers['x-csrf-token'] = token;
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
      signal: AbortSignal.timeout(WAIT),
    });
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
  if (response.ok) return content;
  const retryAfter = Number(response.headers.get('retry-after')) || undefined;
  throw new Refused({ code: '', detail: text('error_unknown'), ...content, status: response.status, retryAfter });
}

/** A key that no other request has. `randomUUID` is only there on https and localhost. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What to say to the customer. @param {unknown} error */
export function wordsOf(error) {
  if (error instanceof Refused) {
    const { code, detail, retryAfter } = error.problem;
    if (code === 'account-locked') return text('error_locked', { seconds: retryAfter ?? 60 });
    return detail || text('error_unknown');
  }
  return error instanceof Unanswered ? error.message : text('error_unknown');
}
