/// <reference lib="webworker" />
/**
 * The service worker: the app's shell opens without a network. Pages come from the network first, the shell's files
 * from the cache of their version, `/api` and `/ws` never from here.
 *
 * The server writes a line before this file: `self.ZGPT_SHELL = {version, assets}`, computed when it starts.
 */

/** @type {ServiceWorkerGlobalScope & {ZGPT_SHELL: {version: string, assets: string[]}}} */
const worker = /** @type {any} */ (self);
const { version, assets } = worker.ZGPT_SHELL;
const CACHE = `zgpt-${version}`;
const PAGE = '/';
const PAGE_TIMEOUT_MS = 4_000;
const SHELL = new Set([PAGE, ...assets]);

worker.addEventListener('install', (event) => event.waitUntil(install()));
worker.addEventListener('activate', (event) => event.waitUntil(activate()));
worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (request.mode === 'navigate' && isAppPage(url.pathname)) event.respondWith(page(request));
  else if (SHELL.has(url.pathname) && url.pathname !== PAGE) event.respondWith(asset(request));
});

/** All of a version or nothing of it. */
async function install() {
  const cache = await caches.open(CACHE);
  await cache.addAll([...SHELL].map((path) => new Request(path, { cache: 'reload' })));
  await worker.skipWaiting();
}

async function activate() {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
  await worker.clients.claim();
}

/** Other pages of the server (its reference, an operator's pages) are not this app. @param {string} path */
function isAppPage(path) {
  return path === PAGE || path.startsWith('/s/');
}

/**
 * A dead network fails at once; a bad one is given some seconds.
 * @param {Request} request
 */
async function page(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(PAGE);
  if (!kept) return keep(cache, PAGE, await fetch(request));
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PAGE_TIMEOUT_MS) });
    return answer.status >= 500 ? kept : answer;
  } catch {
    return kept;
  }
}

/** @param {Request} request */
async function asset(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (kept) return kept;
  return keep(cache, request, await fetch(request));
}

/**
 * What is not in the cache any more (a browser may clear it at any time) is kept again.
 * @param {Cache} cache
 * @param {Request|string} request
 * @param {Response} answer
 */
async function keep(cache, request, answer) {
  if (answer.ok && !answer.redirected) await cache.put(request, answer.clone());
  return answer;
}
