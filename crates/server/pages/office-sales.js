// @ts-check
import { call } from './api.js';
import { complain, make, money, text, zone } from './elements.js';
import { shortly } from './office-amounts.js';
import { filter, problemWords, tools } from './office-list.js';
import { plot } from './office-plot.js';
import { dateOf, hourOf, inWords, later, monday, number } from './office-times.js';

/** @typedef {{ from: string, to: string, orders: number, quantity: number, revenue: { amount: number },
 *   paid: { amount: number }, refunded: { amount: number } }} Sales */

const PERIODS = ['today', 'yesterday', 'week', 'last_week', 'month'];
const ITEMS = 10;

/** The first day of a period, and the day after its last. @param {string} period @returns {[string, string]} */
function days(period) {
  const today = dateOf(new Date());
  const tomorrow = later(today, 1);
  const week = monday(today);
  if (period === 'yesterday') return [later(today, -1), today];
  if (period === 'week') return [week, later(week, 7)];
  if (period === 'last_week') return [later(week, -7), week];
  if (period === 'month') return [later(today, -29), tomorrow];
  return [today, tomorrow];
}

/** @param {Sales[]} rows */
function totals(rows) {
  const sum = (/** @type {(row: Sales) => number} */ of) => rows.reduce((sum, row) => sum + of(row), 0);
  const orders = sum((row) => row.orders);
  const revenue = sum(({ revenue }) => revenue.amount);
  return [
    [text('sales_orders'), number(orders)],
    [text('sales_revenue'), money(revenue)],
    [text('sales_average'), orders ? money(Math.round(revenue / orders)) : '–'],
    [text('sales_paid'), money(sum(({ paid }) => paid.amount))],
    [text('sales_refunded'), money(sum(({ refunded }) => refunded.amount))],
  ];
}

const columns = (/** @type {string} */ first) => [
  { title: first },
  { title: text('sales_orders'), kind: /** @type {const} */ ('number') },
  { title: text('sales_quantity'), kind: /** @type {const} */ ('number') },
  { title: text('sales_revenue'), kind: /** @type {const} */ ('number') },
  { title: text('sales_paid'), kind: /** @type {const} */ ('number') },
  { title: text('sales_refunded'), kind: /** @type {const} */ ('number') },
];

/** @param {string} name @param {Sales} row */
const cells = (name, { orders, quantity, revenue, paid, refunded }) => [
  name, number(orders), number(quantity), money(revenue.amount), money(paid.amount), money(refunded.amount),
];

/** @param {{ name: string, value: number, words: string }[]} bars */
function best(bars) {
  const most = bars.reduce((best, bar) => (bar.value > best.value ? bar : best), bars[0]);
  return most ? text('plot_most', { name: most.name, value: most.words }) : '';
}

/**
 * @param {Sales[]} rows
 * @param {string} title
 * @param {string} first
 * @param {(row: Sales) => string} name
 * @param {(row: Sales) => string} short
 */
function byTime(rows, title, first, name, short) {
  const bars = rows.map((row) => ({
    name: name(row), short: short(row), value: row.revenue.amount, words: money(row.revenue.amount),
  }));
  return plot({
    title, bars, columns: columns(first), rows: rows.map((row) => cells(name(row), row)), summary: best(bars),
    words: shortly,
  });
}

/** The same hours of several days together. @param {Sales[]} rows */
function byHour(rows) {
  /** @type {Map<number, Sales>} */
  const hours = new Map();
  for (const row of rows) {
    const hour = hourOf(row.from);
    const sum = hours.get(hour);
    const plus = (/** @type {'revenue' | 'paid' | 'refunded'} */ of) =>
      ({ amount: (sum?.[of].amount ?? 0) + row[of].amount });
    hours.set(hour, {
      from: sum?.from ?? row.from, to: sum?.to ?? row.to, orders: (sum?.orders ?? 0) + row.orders,
      quantity: (sum?.quantity ?? 0) + row.quantity, revenue: plus('revenue'), paid: plus('paid'),
      refunded: plus('refunded'),
    });
  }
  return [...hours].sort(([a], [b]) => a - b).map(([, row]) => row);
}

/**
 * @typedef {{ name: string, quantity: number, revenue: { amount: number } }} Sold
 * @param {string} title
 * @param {string} first
 * @param {Sold[]} sold
 */
function bySold(title, first, sold) {
  const bars = sold.map(({ name, quantity, revenue }) => ({
    name, value: quantity, words: `${number(quantity)} · ${money(revenue.amount)}`,
  }));
  return plot({
    title, bars, lie: true, summary: best(bars),
    columns: [{ title: first }, { title: text('sales_quantity'), kind: 'number' },
      { title: text('sales_revenue'), kind: 'number' }],
    rows: sold.map(({ name, quantity, revenue }) => [name, number(quantity), money(revenue.amount)]),
  });
}

/** What was chosen most, whatever with. @param {import('./api-types').components['schemas']['TopItem'][]} items */
function options(items) {
  /** @type {Map<string, Sold>} */
  const sold = new Map();
  for (const option of items.flatMap(({ options }) => options ?? [])) {
    const { option_id: id, group, name, quantity, revenue } = option;
    const known = sold.get(id) ?? { name: `${name} (${group})`, quantity: 0, revenue: { amount: 0 } };
    known.quantity += quantity;
    known.revenue.amount += revenue.amount;
    sold.set(id, known);
  }
  return [...sold.values()].sort((a, b) => b.quantity - a.quantity).slice(0, ITEMS);
}

/** @param {string} period */
async function read(period) {
  const [from, to] = days(period);
  const query = new URLSearchParams({ from, to, interval: 'hour', tz: zone });
  const hours = (await call('GET', `/v1/analytics/sales?${query}`)).data;
  // The other report has no time zone: it is told the moments.
  const span = { from: hours[0].from, to: hours[hours.length - 1].to };
  const top = new URLSearchParams({ ...span, limit: '100', include: 'options' });
  const daily = new URLSearchParams({ from, to, interval: 'day', tz: zone });
  const [days_, items] = await Promise.all([
    call('GET', `/v1/analytics/sales?${daily}`), call('GET', `/v1/analytics/top-items?${top}`),
  ]);
  return { hours, days: days_.data, items: items.data };
}

/** @param {HTMLElement} place */
export function sales(place) {
  const period = filter('period', text('sales_period'),
    PERIODS.map((name) => [name === 'today' ? '' : name, text(`sales_${name}`)]));
  const problem = make('p', { className: 'problem', role: 'alert', hidden: true });
  const figures = make('dl', { className: 'figures' });
  const plots = make('div', { className: 'plots' });
  tools(place, [period]);
  place.append(problem, figures, plots, make('p', { className: 'hint' }, text('sales_zone', { zone })));
  let reads = 0;
  return {
    show: async (/** @type {URLSearchParams} */ at) => {
      period.follow(at);
      const mine = ++reads;
      const wanted = PERIODS.includes(at.get('period') ?? '') ? /** @type {string} */ (at.get('period')) : 'today';
      try {
        const { hours, days, items } = await read(wanted);
        if (mine !== reads) return;
        complain(problem);
        const one = wanted === 'today' || wanted === 'yesterday';
        const time = (/** @type {Sales} */ { from }) => inWords(from, 'time');
        const hour = (/** @type {Sales} */ { from }) => String(hourOf(from));
        const day = (/** @type {Sales} */ { from }) => inWords(from, 'day');
        figures.replaceChildren(...totals(hours).map(([name, value]) =>
          make('div', {}, make('dt', {}, name), make('dd', {}, value))));
        plots.replaceChildren(
          ...(one ? [] : [byTime(days, text('sales_by_day'), text('sales_day'), day, day)]),
          byTime(byHour(hours), text('sales_by_hour'), text('sales_hour'), time, hour),
          bySold(text('sales_top_items'), text('item'), items.slice(0, ITEMS)),
          bySold(text('sales_top_options'), text('option'), options(items)));
      } catch (error) {
        if (mine === reads) complain(problem, problemWords(error));
      }
    },
  };
}
