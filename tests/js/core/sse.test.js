/** Event streams out of pieces of text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LONGEST_CHARS, SseParser } from '../../../static/pwa/core/sse.js';

const STREAM = 'retry: 2000\n\nevent: run.delta\nid: 1-0-5\ndata: {"text":"Größe"}\n\n:\n\nevent: run.completed\nid: 1-0-6\ndata: {}\n\n';
const EVENTS = [
  { type: 'run.delta', id: '1-0-5', data: '{"text":"Größe"}' },
  { type: 'run.completed', id: '1-0-6', data: '{}' },
];

/** @param {string} text @param {number} size */
function inPieces(text, size) {
  const parser = new SseParser();
  const events = [];
  for (let at = 0; at < text.length; at += size) events.push(...parser.push(text.slice(at, at + size)));
  return events;
}

test('the events are the same wherever the stream is cut, whatever ends its lines', () => {
  for (const end of ['\n', '\r\n']) {
    for (let size = 1; size <= STREAM.length; size += 1) assert.deepEqual(inPieces(STREAM.replaceAll('\n', end), size), EVENTS);
  }
});

test('an event that is not whole is not told, and does not move the position', () => {
  const parser = new SseParser('1-0-0');
  assert.deepEqual([parser.push('id: 1-0-5\ndata: {}\n'), parser.lastId], [[], '1-0-0']);
  parser.push('\n');
  assert.equal(parser.lastId, '1-0-5');
});

test('data over several lines is one text, and an event without a name is a message', () => {
  assert.deepEqual(new SseParser().push('data: a\ndata:b\ndata\n\n'), [{ type: 'message', id: '', data: 'a\nb\n' }]);
});

test('comments, unknown fields and names without data say nothing', () => {
  assert.deepEqual(new SseParser().push(': beat\nwhat: x\nevent: run.delta\n\n'), []);
});

test('a position with a zero character in it is none', () => {
  assert.equal(new SseParser('1-0-3').push('id: 1\0\ndata: x\n\n')[0]?.id, '1-0-3');
});

test('what is no event stream is given up before it fills the memory', () => {
  const parser = new SseParser();
  parser.push('x'.repeat(LONGEST_CHARS));
  assert.throws(() => parser.push('x'), RangeError);
});
