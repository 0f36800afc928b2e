/** Which of the two ways the page takes, and when it changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Line } from '../../../static/pwa/control/fallback.js';

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

/** A way that does what it is told, and keeps what was asked of it. */
class Way extends EventTarget {
  ready = false;
  whole = false;
  asked = [];
  #note = (name) => this.asked.push(name);
  start = () => this.#note('start');
  stop = () => ((this.ready = false), this.#note('stop'));
  nudge = () => this.#note('nudge');
  cut = () => this.#note('cut');
  command = async (type) => this.#note(type);
  tell(name, detail) {
    if (name === 'phase') this.ready = detail === 'online';
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** @param {boolean[]} answers whether the server answers requests, each time it is asked; the last one stays */
function line(answers = [true]) {
  const [socket, requests] = [new Way(), new Way()];
  const made = new Line({ socket, requests, reachable: async () => (answers.length > 1 ? answers.shift() : answers[0]) });
  const heard = { phase: [], detour: [], event: [] };
  for (const kind of Object.keys(heard)) made.addEventListener(kind, (told) => heard[kind].push(told.detail));
  made.start();
  return { line: made, socket, requests, heard };
}

/** @param {Way} socket @param {string} why */
async function refuse(socket, why = 'refused') {
  socket.tell('phase', 'waiting');
  socket.tell('refused', why);
  await settled();
}

async function onDetour() {
  const made = line();
  await refuse(made.socket);
  await refuse(made.socket, 'cut');
  made.requests.tell('phase', 'online');
  return made;
}

test('two refusals in a row with a server that answers requests begin the detour', async () => {
  const { socket, requests, heard } = line();
  await refuse(socket);
  assert.deepEqual([requests.asked, heard.detour], [[], []]);
  await refuse(socket, 'cut');
  assert.deepEqual([requests.asked, heard.detour, socket.patient], [['start'], [{ why: 'cut', held: false }], true]);
});

test('a server that is away is no reason for a detour, nor one that just came back', async () => {
  const { socket, requests } = line([true, false, true, false]);
  for (let attempt = 0; attempt < 4; attempt += 1) await refuse(socket);
  assert.deepEqual(requests.asked, []);
});

test('refusals with a good connection between them do not add up', async () => {
  const { socket, requests } = line();
  await refuse(socket);
  socket.tell('phase', 'online');
  await refuse(socket);
  assert.deepEqual(requests.asked, []);
});

test('on the detour, commands and phases are those of the requests', async () => {
  const { line: way, socket, requests, heard } = await onDetour();
  await way.command('message.send');
  socket.tell('phase', 'connecting');
  assert.deepEqual([requests.asked.at(-1), socket.asked, way.ready, heard.phase.at(-1)], ['message.send', ['start'], true, 'online']);
});

test('text that is held back changes what is said of the detour', async () => {
  const { requests, heard } = await onDetour();
  requests.tell('held', true);
  assert.deepEqual(heard.detour.at(-1), { why: 'cut', held: true });
});

test('a socket that comes up ends the detour before the page hears of it', async () => {
  const { line: way, socket, requests, heard } = await onDetour();
  const before = heard.phase.length;
  socket.tell('phase', 'online');
  assert.deepEqual([requests.asked.at(-1), heard.detour.at(-1), socket.patient, heard.phase.length], ['stop', null, false, before]);
  await settled();
  assert.deepEqual([heard.phase.at(-1), heard.phase.length, way.ready], ['online', before + 1, true]);
  requests.tell('phase', 'waiting');
  assert.equal(heard.phase.at(-1), 'online');
});

test('who looks at the page again has both ways tried; without a network both are cut', async () => {
  const { line: way, socket, requests } = await onDetour();
  way.nudge();
  way.cut();
  assert.deepEqual([socket.asked.slice(-2), requests.asked.slice(-2)], [['nudge', 'cut'], ['nudge', 'cut']]);
});

test('signing out ends both ways', async () => {
  const { line: way, socket, requests, heard } = await onDetour();
  way.stop();
  assert.deepEqual([socket.asked.at(-1), requests.asked.at(-1), heard.detour.at(-1)], ['stop', 'stop', null]);
});
