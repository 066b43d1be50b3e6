// @ts-check
import { Refused, call } from './api.js';

/**
 * What the server says that an order would cost, and what would be short. Nothing depends on it: where it fails or is
 * limited, the prices of the menu are shown.
 * @typedef {{ total: { amount: number }, shortages: Pick<import('./api.js').Problem, 'items' | 'supplies'> }} Quote
 */

const WAIT = 3_000;
/** For how long it is not asked again. */
const FRESH = 10_000;

/** @type {{ body: string, quote: Quote, at: number } | null} */
let last = null;
/** The time before which there is no use in asking. */
let notBefore = 0;

/** The last one for this order. @param {string} body */
export const quoteOf = (body) => (last?.body === body ? last.quote : null);

/** What was said is not true any more. */
export const forgetQuote = () => void (last = null);

/** Asks for one, if there is none that is fresh. @param {string} body @returns {Promise<Quote | null>} */
export async function askForQuote(body) {
  if (last?.body === body && Date.now() - last.at < FRESH) return last.quote;
  if (Date.now() < notBefore) return null;
  try {
    const quote = await call('POST', '/v1/orders/quote', { body, wait: WAIT });
    last = { body, quote, at: Date.now() };
    return quote;
  } catch (error) {
    if (error instanceof Refused && error.problem.retryAfter) {
      notBefore = Date.now() + error.problem.retryAfter * 1000;
    }
    return null;
  }
}
