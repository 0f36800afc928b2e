/** The web app, put together: parts are made, joined, and the actions of the elements get their meaning. */
import './elements/zg-app.js';
import './elements/zg-error-boundary.js';
import { Account } from './control/account.js';
import { Actions } from './control/actions.js';
import { Conversation } from './control/conversation.js';
import { Door } from './control/door.js';
import { Line } from './control/fallback.js';
import { Holder } from './control/holder.js';
import { List } from './control/list.js';
import { Older } from './control/older.js';
import { Outbox } from './control/outbox.js';
import { Router } from './control/router.js';
import { Settings } from './control/settings.js';
import { registerWorker } from './control/worker.js';
import { Api } from './net/api.js';
import { Reporter } from './net/reporter.js';
import { Requests } from './net/requests.js';
import { Socket } from './net/socket.js';
import { Store } from './net/store.js';

const page = /** @type {import('./elements/zg-app.js').App} */ (document.querySelector('zg-app'));
const boundary = /** @type {import('./elements/zg-error-boundary.js').ErrorBoundary} */ (document.querySelector('zg-error-boundary'));
const reporter = new Reporter();
const report = (/** @type {unknown} */ error) => reporter.report(error);

const api = new Api();
const store = new Store();
const holder = new Holder();
const socket = new Socket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`, {
  token: () => api.token(),
  renew: async () => (await api.refresh()).access_token,
});
const reachable = () => api.open('GET', '/app').then(() => true, () => false);
const line = new Line({ socket, requests: new Requests({ api }), reachable });
const list = new List({ api, store, holder });
const conversation = new Conversation({ line, store, holder, report });
const older = new Older({ api, holder });
const outbox = new Outbox({ line, store, holder, onSession: (unsentId, id) => router.made(unsentId, id) });
const router = new Router({ holder, conversation });
const account = new Account({ api, line, store, holder, onEnter: enter });
const settings = new Settings({ page, holder, api, account });

new Actions({ page, holder, api, line, account, list, conversation, older, outbox, router, settings }).attach();
new Door({ page, holder, api }).attach();
listenForFaults();
listenToNetwork();
page.addEventListener('chat-undrawn', (event) => report(/** @type {CustomEvent} */ (event).detail.error));
holder.onPaint((state) => (page.state = state));
holder.onChange((state) => (reporter.version = state.app?.version ?? ''));
account.start();
registerWorker();

/** Somebody is signed in: what is unsent comes back, and the address says which session is shown. */
async function enter() {
  const unsent = await outbox.restore();
  await router.show(unsent);
}

/** A connection is there: everything that may have been missed is asked for, then what waits is sent. */
async function online() {
  await conversation.ask();
  await Promise.all([list.sync(), outbox.flush()]);
}

function listenToNetwork() {
  line.addEventListener('phase', (event) => {
    const phase = /** @type {CustomEvent} */ (event).detail;
    holder.dispatch({ type: 'local.phase', phase: phase === 'waiting' && !navigator.onLine ? 'offline' : phase });
    if (phase === 'online') online();
  });
  line.addEventListener('detour', (event) => holder.dispatch({ type: 'local.detour', detour: /** @type {CustomEvent} */ (event).detail }));
  addEventListener('online', () => line.nudge());
  addEventListener('offline', () => line.cut());
  addEventListener('pageshow', () => line.nudge());
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && line.nudge());
}

function listenForFaults() {
  const broken = (/** @type {unknown} */ error) => {
    report(error);
    boundary.show(error);
  };
  addEventListener('error', (event) => event.error && broken(event.error));
  addEventListener('unhandledrejection', (event) => {
    event.preventDefault();
    if (event.reason?.name === 'Fault') return;
    broken(event.reason);
  });
}
