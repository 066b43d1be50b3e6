// @ts-check
import { call } from './api.js';
import { make, text } from './elements.js';
import { address } from './office-address.js';
import { ask } from './office-form.js';
import { listPath, listing, several, tools } from './office-list.js';
import { number } from './office-times.js';
import { button, say } from './office-toast.js';

/** @typedef {{ title: string, kind?: 'number' | 'actions' }} Column */
/** @typedef {import('./api-types').components['schemas']['Station']} Station */

/** @param {Station} [station] @returns {Promise<import('./office-form.js').Question[]>} */
async function questions(station) {
  const menu = await call('GET', '/v1/menu');
  const names = menu.categories.map(({ name }) => name);
  // A category without items is not on the menu.
  const categories = [...new Set([...(station?.categories ?? []), ...names])];
  return [
    { name: 'name', label: text('station_name'), required: true, maxLength: 60, value: station?.name },
    { name: 'position', label: text('station_position'), kind: 'number', min: 0, max: 10_000,
      hint: text('station_position_hint'), value: station?.position },
    { name: 'categories', label: text('station_categories'), kind: 'several', value: station?.categories,
      options: categories.map((name) => [name, name]) },
  ];
}

/** @param {{ name?: string, position?: number | null, categories?: string[] }} values */
const body = ({ position, ...rest }) => ({ ...rest, ...(typeof position === 'number' ? { position } : {}) });

/** @param {() => void} again */
async function add(again) {
  const station = await ask({
    title: text('station_add'), questions: await questions(), submit: text('save'),
    send: ({ name, categories, ...rest }, key) =>
      call('POST', '/v1/kitchen/stations', { body: { ...body(rest), name, categories }, key }),
  });
  if (!station) return;
  again();
  say(text('saved', { name: station.name }));
}

/** @param {Station} station @param {() => void} again */
async function edit(station, again) {
  const path = /** @type {const} */ (`/v1/kitchen/stations/${station.id}`);
  let before = station;
  const changed = await ask({
    title: station.name, questions: await questions(station), submit: text('save'),
    send: (_, __, values) =>
      (Object.keys(values).length ? call('PATCH', path, { body: body(values), revision: before.revision }) : station),
    again: async () => {
      const { data } = await call('GET', '/v1/kitchen/stations?limit=100');
      before = data.find((other) => other.id === station.id) ?? station;
      const { name, position, categories } = before;
      return { name, position, categories };
    },
  });
  if (!changed || changed === station) return;
  again();
  const { name, position, categories } = before;
  say(text('saved', { name: changed.name }), async () => {
    await call('PATCH', path, { body: { name, position, categories }, revision: changed.revision });
    again();
  });
}

/** @param {Station} station @param {() => void} again */
async function archive({ id, name, revision }, again) {
  const done = await ask({
    title: text('station_archive_title', { name }), about: text('station_archive_about'), questions: [],
    submit: text('archive'), send: () => call('DELETE', `/v1/kitchen/stations/${id}`, { revision }),
  });
  if (!done) return;
  again();
  say(text('archived', { name }));
}

/** @param {HTMLElement} place */
export function stations(place) {
  /** @type {Column[]} */
  const columns = [
    { title: text('station') }, { title: text('station_categories') },
    { title: text('station_position'), kind: 'number' }, { title: text('actions'), kind: 'actions' },
  ];
  const again = () => void list(address());
  tools(place, [], button(text('station_add'), { className: 'primary', key: 'station-add' }, () => add(again)));
  place.append(make('p', { className: 'hint' }, text('stations_about')));
  const list = listing(place, {
    caption: text('stations'), columns, none: text('stations_none'),
    read: (at) => call('GET', listPath('/v1/kitchen/stations', at)),
    cells: (station) => [
      button(station.name, { className: 'link', key: `edit-${station.id}` }, () => edit(station, again)),
      station.categories.join(', '), number(station.position),
      several(button(text('archive'), { about: station.name, className: 'quiet', key: `archive-${station.id}` },
        () => archive(station, again))),
    ],
  });
  return { show: list };
}
