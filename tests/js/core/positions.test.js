/** The rules by which a growing text takes one more piece. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyPiece, NOTHING_HELD, positionsIn } from '../../../static/pwa/core/positions.js';

const held = { epoch: 1, offset: 5, text: 'Hello' };

test('a piece that starts where the held text ends is appended', () => {
  const { part, verdict } = applyPiece(held, { epoch: 1, at: 5, end: 12, text: ' wörld' });
  assert.deepEqual([part, verdict], [{ epoch: 1, offset: 12, text: 'Hello wörld' }, 'applied']);
});

test('a piece that is held already changes nothing', () => {
  assert.deepEqual(applyPiece(held, { epoch: 1, at: 0, end: 5, text: 'Hello' }), { part: held, verdict: 'duplicate' });
});

test('a piece that starts later than the held text ends is a gap', () => {
  assert.deepEqual(applyPiece(held, { epoch: 1, at: 6, end: 7, text: '!' }), { part: held, verdict: 'gap' });
});

test('a piece that overlaps the end of the held text is a gap: nothing is cut by guess', () => {
  assert.equal(applyPiece(held, { epoch: 1, at: 3, end: 8, text: 'lo wo' }).verdict, 'gap');
});

test('the first piece of a newer epoch replaces the whole held text at once', () => {
  const { part } = applyPiece(held, { epoch: 2, at: 0, end: 2, text: 'Hi' });
  assert.deepEqual(part, { epoch: 2, offset: 2, text: 'Hi' });
});

test('a newer epoch that does not begin at 0 is a gap', () => {
  assert.equal(applyPiece(held, { epoch: 2, at: 4, end: 6, text: 'xy' }).verdict, 'gap');
});

test('a piece of an older epoch is ignored', () => {
  assert.deepEqual(applyPiece({ ...held, epoch: 2 }, { epoch: 1, at: 5, end: 6, text: '!' }).verdict, 'duplicate');
});

test('any order of repeated pieces that loses none gives the text exactly once', () => {
  const text = 'naïve 🌈 text in several pieces';
  let part = NOTHING_HELD;
  const pieces = [...text].map((character, index, all) => {
    const at = Buffer.byteLength(all.slice(0, index).join(''));
    return { epoch: 1, at, end: at + Buffer.byteLength(character), text: character };
  });
  pieces.forEach((piece, index) => {
    for (const again of pieces.slice(Math.max(0, index - 3), index + 1)) part = applyPiece(part, again).part;
  });
  assert.deepEqual(part, { epoch: 1, offset: Buffer.byteLength(text), text });
});

test('what is held of the parts of a run is one position in it, whichever part there is', () => {
  const hold = (run_id, part, epoch, offset) => ({ run_id, part, epoch, offset });
  const holds = [hold('a', 'text', 2, 7), hold('a', 'reasoning', 2, 40), hold('b', 'text', 1, 3), hold('c', 'reasoning', 1, 9)];
  assert.deepEqual(positionsIn(holds), { a: '2-40-7', b: '1-0-3', c: '1-9-0' });
});
