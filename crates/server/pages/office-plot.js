// @ts-check
import { make, text, the } from './elements.js';
import { row, table } from './office-list.js';

/** @typedef {{ name: string, short?: string, value: number, words: string }} Bar */

const HEIGHT = 220;
const FOOT = 24;
const HEAD = 12;
const SIDE = 64;
/** How wide a letter is, about. */
const LETTER = 7;
const GAP = 8;
const ROW = 44;

/** @param {string} tag @param {Record<string, string | number>} attributes @param {string} [content] */
function draw(tag, attributes, content) {
  const element = document.createElementNS(the('drawing').namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  if (content !== undefined) element.textContent = content;
  return element;
}

/** A round number not below another. @param {number} value */
function round(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].map((factor) => factor * power).find((round) => round >= value) ?? value;
}

/** @param {Bar[]} bars @param {number} width @param {(value: number) => string} words */
function upright(bars, width, words) {
  const top = round(Math.max(...bars.map(({ value }) => value)));
  const svg = draw('svg', { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` });
  const high = HEIGHT - FOOT - HEAD;
  const y = (/** @type {number} */ value) => HEAD + high * (1 - value / top);
  for (const part of [0, 0.5, 1]) {
    const at = y(part * top);
    svg.append(draw('line', { class: 'grid', x1: SIDE, x2: width, y1: at, y2: at }),
      draw('text', { x: SIDE - 8, y: at + 4, 'text-anchor': 'end' }, words(part * top)));
  }
  const step = (width - SIDE) / bars.length;
  const longest = Math.max(...bars.map(({ name, short }) => (short ?? name).length));
  const every = Math.ceil((longest * LETTER + GAP) / step);
  bars.forEach(({ name, short, value, words: said }, at) => {
    const x = SIDE + at * step;
    const bar = draw('rect', { class: 'bar', x: x + step * 0.1, width: step * 0.8, y: y(Math.max(value, 0)),
      height: Math.max(0, high - (y(Math.max(value, 0)) - HEAD)) });
    bar.append(draw('title', {}, `${name}: ${said}`));
    svg.append(bar);
    if (at % every) return;
    svg.append(draw('text', { x: x + step / 2, y: HEIGHT - 6, 'text-anchor': 'middle' }, short ?? name));
  });
  return svg;
}

/** @param {Bar[]} bars @param {number} width */
function lying(bars, width) {
  const top = Math.max(...bars.map(({ value }) => value), 1);
  const height = bars.length * ROW;
  const svg = draw('svg', { width, height, viewBox: `0 0 ${width} ${height}` });
  bars.forEach(({ name, value, words }, at) => {
    const y = at * ROW;
    const room = Math.floor(width / 8) - words.length - 2;
    const shown = name.length > room ? `${name.slice(0, Math.max(1, room - 1))}…` : name;
    const bar = draw('rect', { class: 'bar', x: 0, y: y + 24, width: Math.max(1, (width * value) / top), height: 10 });
    bar.append(draw('title', {}, `${name}: ${words}`));
    svg.append(draw('text', { x: 0, y: y + 16 }, shown),
      draw('text', { x: width, y: y + 16, 'text-anchor': 'end' }, words), bar);
  });
  return svg;
}

/**
 * A plot, and the table behind it.
 * @param {{ title: string, bars: Bar[], columns: { title: string, kind?: 'number' }[], rows: string[][],
 *   summary: string, lie?: boolean, words?: (value: number) => string }} what `summary` says it without the picture
 */
export function plot({ title, bars, columns, rows, summary, lie = false, words = String }) {
  const heading = make('h2', {}, title);
  const some = bars.some(({ value }) => value > 0);
  const picture = make('div', { className: lie ? 'plot lying' : 'plot' });
  const figure = make('figure', {}, heading, picture);
  if (!some) {
    picture.append(make('p', { className: 'hint' }, text('sales_none')));
    return figure;
  }
  const { element, body } = table(columns, title);
  body.append(...rows.map((cells) => row(columns, cells)));
  const scrolling = make('div', { className: 'scrolling', tabIndex: 0, role: 'region', 'aria-label': title }, element);
  figure.append(make('details', {}, make('summary', {}, text('plot_table')), scrolling));
  let wide = 0;
  // Texts in it keep their size, however wide it is.
  new ResizeObserver(([{ contentRect }]) => {
    const width = Math.floor(contentRect.width);
    if (!width || width === wide) return;
    wide = width;
    const svg = lie ? lying(bars, width) : upright(bars, width, words);
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', `${title}. ${summary}`);
    picture.replaceChildren(svg);
  }).observe(picture);
  return figure;
}
