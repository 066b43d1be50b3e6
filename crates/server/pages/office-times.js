// @ts-check
import { locale, make, zone } from './elements.js';

const formats = {
  moment: new Intl.DateTimeFormat(locale, { dateStyle: 'short', timeStyle: 'short', timeZone: zone }),
  time: new Intl.DateTimeFormat(locale, { timeStyle: 'short', timeZone: zone }),
  day: new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', month: 'numeric', timeZone: zone }),
};
const numbers = new Intl.NumberFormat(locale);
const signed = new Intl.NumberFormat(locale, { signDisplay: 'exceptZero' });
const hours = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', hourCycle: 'h23', timeZone: zone });
const parts = new Intl.DateTimeFormat('en-CA', { year: 'numeric', month: '2-digit', day: '2-digit', timeZone: zone });

/** @param {string | Date} moment @param {keyof typeof formats} [as] */
export const inWords = (moment, as = 'moment') => formats[as].format(new Date(moment));

/** @param {number} count */
export const number = (count) => numbers.format(count);

/** @param {number} difference */
export const difference = (difference) => signed.format(difference);

/** A moment; today's has no date. @param {string} moment */
export function when(moment) {
  const today = dateOf(new Date(moment)) === dateOf(new Date());
  return make('time', { dateTime: moment, title: inWords(moment) }, inWords(moment, today ? 'time' : 'moment'));
}

/** The date in the restaurant, as the API writes it. @param {Date} moment */
export const dateOf = (moment) => parts.format(moment);

/** A date so many days later. @param {string} date @param {number} days */
export function later(date, days) {
  const moved = new Date(`${date}T12:00:00Z`);
  moved.setUTCDate(moved.getUTCDate() + days);
  return moved.toISOString().slice(0, 10);
}

/** The Monday on or before a date. @param {string} date */
export const monday = (date) => later(date, -((new Date(`${date}T12:00:00Z`).getUTCDay() + 6) % 7));

/** @param {string} moment */
export const hourOf = (moment) => Number(hours.format(new Date(moment)));
