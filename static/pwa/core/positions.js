/**
 * How much of a growing part is held, and what one more piece does to it. Pure. Offsets are the server's and opaque:
 * they are compared, never computed.
 *
 * @typedef {{epoch: number, offset: number, text: string}} HeldPart
 * @typedef {{part: HeldPart, verdict: 'applied'|'duplicate'|'gap'}} Outcome
 * @typedef {{epoch: number, at: number, end: number, text: string}} Piece
 */

/** @type {HeldPart} */
export const NOTHING_HELD = Object.freeze({ epoch: 0, offset: 0, text: '' });

/**
 * A piece of an older epoch, or one that is held already, changes nothing. A piece that starts elsewhere than where
 * the held text ends is a gap: nothing is guessed, the caller asks again. The first piece of a newer epoch starts at
 * 0 and takes the place of the whole held text at once.
 * @param {HeldPart} held
 * @param {Piece} piece
 * @returns {Outcome}
 */
export function applyPiece(held, piece) {
  if (piece.epoch < held.epoch) return { part: held, verdict: 'duplicate' };
  if (piece.epoch > held.epoch) return startEpoch(held, piece);
  if (piece.at === held.offset) return { part: grow(held, piece), verdict: 'applied' };
  return { part: held, verdict: piece.end <= held.offset ? 'duplicate' : 'gap' };
}

/**
 * @param {HeldPart} held
 * @param {Piece} piece
 * @returns {Outcome}
 */
function startEpoch(held, piece) {
  if (piece.at !== 0) return { part: held, verdict: 'gap' };
  return { part: { epoch: piece.epoch, offset: piece.end, text: piece.text }, verdict: 'applied' };
}

/**
 * @param {HeldPart} held
 * @param {Piece} piece
 * @returns {HeldPart}
 */
function grow(held, piece) {
  return { epoch: held.epoch, offset: piece.end, text: held.text + piece.text };
}

/**
 * Positions in whole runs, as event streams name them, from what is held of the parts (docs/protocol.md).
 * @param {import('./protocol.js').Position[]} holds of one epoch by run
 * @returns {Record<string, string>} by run id
 */
export function positionsIn(holds) {
  /** @type {Record<string, {epoch: number, reasoning: number, text: number}>} */
  const runs = {};
  for (const { run_id, part, epoch, offset } of holds) {
    const { reasoning, text } = runs[run_id] ?? { reasoning: 0, text: 0 };
    runs[run_id] = { epoch, reasoning, text, [part]: offset };
  }
  return Object.fromEntries(Object.entries(runs).map(([id, { epoch, reasoning, text }]) => [id, `${epoch}-${reasoning}-${text}`]));
}
