/** A document for the element tests: what the elements ask of a browser and this one does not have. Import it first. */
import { JSDOM } from 'jsdom';

const { window } = new JSDOM('<!doctype html><body></body>', { url: 'https://chat.example/', pretendToBeVisual: true });

/** Observes nothing: there is no layout here. */
class Observer {
  observe() {}
  disconnect() {}
}

const NAMES = ['document', 'location', 'localStorage', 'customElements', 'HTMLElement', 'Element', 'Node', 'Event', 'CustomEvent', 'KeyboardEvent', 'AbortController', 'EventTarget', 'requestAnimationFrame'];
for (const name of NAMES) globalThis[name] = window[name];
Object.assign(globalThis, { window, ResizeObserver: Observer, IntersectionObserver: Observer, CSS: { supports: () => true }, matchMedia: () => ({ matches: false }) });

/**
 * @param {string} tag of an element whose module is imported already
 * @returns {any} the element, on the page
 */
export function put(tag) {
  const element = document.createElement(tag);
  document.body.replaceChildren(element);
  return element;
}

/** The details of every action of this name that comes up from now on. @param {string} name */
export function actions(name) {
  const heard = [];
  document.body.addEventListener(`chat-${name}`, (event) => heard.push(event.detail));
  return heard;
}

/** @param {Element} target @param {string} key @param {object} [how] @returns {boolean} whether nobody prevented it */
export function press(target, key, how = {}) {
  return target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...how }));
}

/** @param {HTMLInputElement|HTMLTextAreaElement} box @param {string} text */
export function type(box, text) {
  box.value = text;
  box.dispatchEvent(new Event('input', { bubbles: true }));
}
