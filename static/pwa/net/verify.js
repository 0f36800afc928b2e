/** Whether the text held here is the text that the server ended with, by SHA-256 of its UTF-8 bytes. */

/**
 * @param {string} text
 * @param {string|undefined} sha256 lower-case hex
 * @returns {Promise<boolean>} true as well where it cannot be checked (no hash, or no secure context)
 */
export async function isSameText(text, sha256) {
  if (!sha256 || !globalThis.crypto?.subtle) return true;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return hex(digest) === sha256.toLowerCase();
}

/** @param {ArrayBuffer} bytes */
function hex(bytes) {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
