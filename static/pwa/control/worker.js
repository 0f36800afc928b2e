/** Registers the service worker. Its address goes through a Trusted Types policy of its own, which knows this one only. */

const SCRIPT = '/sw.js';

export async function registerWorker() {
  if (!('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register(trusted(SCRIPT), { scope: '/' });
  } catch {
    return;
  }
}

/** @param {string} url @returns {string} */
function trusted(url) {
  /** @type {any} */
  const types = /** @type {any} */ (globalThis).trustedTypes;
  if (!types) return url;
  const policy = types.createPolicy('zgpt-sw', {
    createScriptURL: (/** @type {string} */ wanted) => {
      if (wanted !== SCRIPT) throw new TypeError('Not the service worker of this app.');
      return wanted;
    },
  });
  return policy.createScriptURL(url);
}
