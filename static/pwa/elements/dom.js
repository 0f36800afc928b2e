/** The two helpers that every element is made with: nodes from calls, never from HTML strings. */

/**
 * @param {string} tag
 * @param {Record<string, string|boolean|number|null|undefined>} [attributes] `text` is the text content; true is an
 *   empty attribute, false and null none
 * @param {...(Node|string|null)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'text') element.textContent = String(value ?? '');
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

/** Writes only what differs: a page at rest does no work. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * An action goes up as an event that bubbles.
 * @param {EventTarget} from
 * @param {string} name without the prefix
 * @param {object} [detail]
 */
export function act(from, name, detail = {}) {
  from.dispatchEvent(new CustomEvent(`chat-${name}`, { bubbles: true, detail }));
}

/**
 * Whether a key belongs to an input method (Japanese, Chinese, Korean …) and not to the page. Safari ends the
 * composition before it tells the Enter that ended it; what is left of it there is the code 229.
 * @param {KeyboardEvent} event
 */
export function isOfInputMethod(event) {
  return event.isComposing || event.keyCode === 229;
}

/** The base of every element: built once, listeners undone when it leaves the page. */
export class Part extends HTMLElement {
  #built = false;
  #connection = new AbortController();

  connectedCallback() {
    this.#connection = new AbortController();
    if (!this.#built) this.build();
    this.#built = true;
    this.attach(this.#connection.signal);
  }

  disconnectedCallback() {
    this.#connection.abort();
  }

  /** Makes the children, once. */
  build() {}

  /** Adds listeners; `signal` undoes them. @param {AbortSignal} _signal */
  attach(_signal) {}
}
