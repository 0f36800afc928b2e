/**
 * Draws the app's icons from the one geometry of the mark: three strokes of a "Z", the middle one a line of dots.
 * Writes static/pwa/icons/ (an SVG, and PNGs without any image library). Run by hand when the mark changes.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';

const TO = join(dirname(dirname(fileURLToPath(import.meta.url))), 'static', 'pwa', 'icons');
const GROUND = [15, 92, 90];
const INK = [251, 250, 247];
const SAMPLES = 4;

/** In units of a 24 × 24 field, as elements/icons.js draws it. */
const STROKE = 2.5;
const STROKES = [[5, 5, 19, 5], [5, 19, 19, 19]];
const DOT = 1.35;
const DOTS = [[17.7, 8.6], [13.9, 10.9], [10.1, 13.1], [6.3, 15.4]];

/** @param {{scale: number, corner: number}} look how much of the field the mark fills, and how round the ground is */
function svg({ scale, corner }) {
  const shift = (24 - 24 * scale) / 2;
  const lines = STROKES.map(([x1, y1, x2, y2]) => `<path d="M${x1} ${y1}L${x2} ${y2}" stroke="#fbfaf7" stroke-width="${STROKE}" stroke-linecap="round"/>`);
  const dots = DOTS.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="${DOT}" fill="#fbfaf7"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="${corner}" fill="#0f5c5a"/><g transform="translate(${shift} ${shift}) scale(${scale})">${lines.join('')}${dots.join('')}</g></svg>\n`;
}

/** @param {number} size @param {{scale: number, corner: number}} look */
function png(size, look) {
  const row = size * 4 + 1;
  const pixels = Buffer.alloc(row * size);
  for (let y = 0; y < size; y += 1) for (let x = 0; x < size; x += 1) pixels.set(colourAt(x, y, size, look), y * row + 1 + x * 4);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 6, 0, 0, 0], 8);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', deflateSync(pixels, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

/** The mean of several points in one pixel, so that edges are smooth. */
function colourAt(px, py, size, look) {
  let ground = 0;
  let ink = 0;
  for (let i = 0; i < SAMPLES * SAMPLES; i += 1) {
    const x = ((px + ((i % SAMPLES) + 0.5) / SAMPLES) * 24) / size;
    const y = ((py + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES) * 24) / size;
    if (!inGround(x, y, look.corner)) continue;
    ground += 1;
    if (inMark(12 + (x - 12) / look.scale, 12 + (y - 12) / look.scale)) ink += 1;
  }
  if (ground === 0) return [0, 0, 0, 0];
  const share = ink / ground;
  const mixed = GROUND.map((value, index) => Math.round(value + (INK[index] - value) * share));
  return [...mixed, Math.round((255 * ground) / (SAMPLES * SAMPLES))];
}

function inGround(x, y, corner) {
  const dx = Math.max(corner - x, x - (24 - corner), 0);
  const dy = Math.max(corner - y, y - (24 - corner), 0);
  return Math.hypot(dx, dy) <= corner || corner === 0;
}

function inMark(x, y) {
  const onStroke = STROKES.some(([x1, y1, x2]) => Math.hypot(x - Math.min(Math.max(x, x1), x2), y - y1) <= STROKE / 2);
  return onStroke || DOTS.some(([cx, cy]) => Math.hypot(x - cx, y - cy) <= DOT);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}

const APP = { scale: 0.66, corner: 5.4 };
const MASKABLE = { scale: 0.52, corner: 0 };
await mkdir(TO, { recursive: true });
await writeFile(join(TO, 'icon.svg'), svg({ scale: 0.72, corner: 5.4 }));
await writeFile(join(TO, 'icon-192.png'), png(192, APP));
await writeFile(join(TO, 'icon-512.png'), png(512, APP));
await writeFile(join(TO, 'maskable-512.png'), png(512, MASKABLE));
