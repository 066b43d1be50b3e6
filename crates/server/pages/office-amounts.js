// @ts-check
import { currency, digits, locale } from './elements.js';

const plain = new Intl.NumberFormat(locale, {
  minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false,
});
const short = new Intl.NumberFormat(locale, {
  style: 'currency', currency, notation: 'compact', maximumFractionDigits: 1, minimumFractionDigits: 0,
});

/** An amount as a field has it. @param {number} amount */
export const inUnits = (amount) => plain.format(amount / 10 ** digits);

/** An amount with little room. @param {number} amount */
export const shortly = (amount) => short.format(amount / 10 ** digits);

/**
 * The minor units of an amount that somebody wrote, with a point or a comma; `NaN` for what is none.
 * @param {string} written
 */
export function minor(written) {
  const match = /^(\d{1,9})(?:[.,](\d+))?$/.exec(written.replace(/[\s\u00a0]/g, ''));
  const fraction = match?.[2] ?? '';
  if (!match || fraction.length > digits) return NaN;
  return Number(match[1]) * 10 ** digits + Number(fraction.padEnd(digits, '0') || 0);
}

/** An amount as the API has it. @param {number} amount */
export const priced = (amount) => ({ amount, currency });
