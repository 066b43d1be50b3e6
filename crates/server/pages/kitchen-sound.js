// @ts-check
import { text, the } from './elements.js';

const STORE = 'comanda.sound';

/** @type {AudioContext | undefined} */
let audio;
let isOn = false;

function show() {
  const sleeps = isOn && audio?.state !== 'running';
  the('sound').setAttribute('aria-pressed', String(isOn));
  the('sound').textContent = text(sleeps ? 'sound_sleeps' : isOn ? 'sound_on' : 'sound_off');
}

/** Browsers are silent until somebody touches the page. */
async function wake() {
  audio ??= new AudioContext();
  audio.onstatechange = show;
  if (audio.state !== 'running') await audio.resume().catch(() => undefined);
  show();
}

/** @param {number} frequency @param {number} from in seconds from now */
function tone(frequency, from) {
  if (!audio || audio.state !== 'running') return;
  const begin = audio.currentTime + from;
  const oscillator = new OscillatorNode(audio, { type: 'triangle', frequency });
  const volume = new GainNode(audio, { gain: 0 });
  volume.gain.linearRampToValueAtTime(0.5, begin + 0.02);
  volume.gain.setValueAtTime(0.5, begin + 0.15);
  volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.6);
  oscillator.connect(volume).connect(audio.destination);
  oscillator.start(begin);
  oscillator.stop(begin + 0.6);
}

/** Says that there is a new ticket. */
export function ring() {
  if (!isOn) return;
  tone(784, 0);
  tone(1_047, 0.18);
}

/** Says that a ticket is cancelled. */
export function warn() {
  if (!isOn) return;
  tone(392, 0);
  tone(262, 0.25);
}

function remembered() {
  try {
    return localStorage.getItem(STORE) === 'on';
  } catch {
    return false;
  }
}

export function sound() {
  isOn = remembered();
  show();
  the('sound').addEventListener('click', async () => {
    // The first touch wakes it, and does not switch it off.
    if (!isOn || audio?.state === 'running') isOn = !isOn;
    try {
      localStorage.setItem(STORE, isOn ? 'on' : 'off');
    } catch {
      // It is on as long as the page is open.
    }
    await wake();
    ring();
  });
  if (isOn) {
    for (const gesture of ['pointerup', 'keydown']) addEventListener(gesture, () => void wake(), { once: true });
    void wake();
  }
}
