/** Runs in a page before everything else: notes each thing that hostile text must never bring about. Not part of the app. */
(() => {
  const TAGS = new Set('A BLOCKQUOTE BR BUTTON CODE DIV EM H1 H2 H3 H4 H5 H6 HR LI OL P PRE S SPAN STRONG TABLE TBODY TD TH THEAD TR UL'.split(' '));
  const ATTRIBUTES = new Set(['class', 'href', 'rel', 'target', 'start', 'type', 'data-action', 'tabindex']);
  const LINK = /^(https?:\/\/|mailto:)/i;
  /** Where only text belongs, and where rendered Markdown does. */
  const PLAIN = '.bubble, .session-link, .conversation-title, .account-name, .thought-text';
  const seen = [];
  window.watched = { seen, kept, isSame, spell };

  for (const name of ['alert', 'confirm', 'prompt', 'print', 'open']) window[name] = (...words) => void seen.push(`${name} ${words}`);
  document.addEventListener('securitypolicyviolation', (event) => seen.push(`policy ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));

  /** @param {Element} root */
  function faultsIn(root) {
    return [root, ...root.querySelectorAll('*')].filter((element) => !isHarmless(element)).map((element) => element.outerHTML.slice(0, 200));
  }

  function isHarmless(element) {
    if (element.parentElement?.closest(PLAIN)) return false;
    if (!element.parentElement?.closest('.prose')) return ![...element.attributes].some(({ name }) => name.startsWith('on'));
    if (!TAGS.has(element.tagName) || [...element.attributes].some(({ name }) => !ATTRIBUTES.has(name))) return false;
    return element.tagName !== 'A' || (LINK.test(element.getAttribute('href')) && element.rel === 'noopener noreferrer nofollow' && element.target === '_blank');
  }

  /** The answer as this device keeps it, once it is finished. @returns {Promise<string>} */
  async function kept() {
    const id = location.pathname.split('/').at(-1);
    const database = await result(indexedDB.open('zgpt'));
    for (;;) {
      const conversation = await result(database.transaction('conversations').objectStore('conversations').get(id));
      const answer = Object.values(conversation?.messages ?? {}).find(({ role }) => role === 'assistant');
      if (answer?.run?.status === 'completed') return answer.text;
      await pause(50);
    }
  }

  /**
   * Whether the answer shown is what its whole text gives at once; colours of code may still be on their way.
   * @returns {Promise<true|string[]>} or both
   */
  async function isSame(text) {
    const { renderMarkdown } = await import('/static/pwa/render/markdown.js');
    const [shown, whole] = [() => document.querySelector('.turn.assistant .turn-body')?.innerHTML, document.createElement('div')];
    for (let tries = 0; tries < 50; tries += 1) {
      whole.replaceChildren(...renderMarkdown(text));
      if (shown() === whole.innerHTML) return true;
      await pause(100);
    }
    return [shown(), whole.innerHTML];
  }

  /** Streams each text by itself and looks at it after every character. */
  async function spell(texts) {
    const { GrowingMarkdown, renderMarkdown } = await import('/static/pwa/render/markdown.js');
    const faults = [];
    let steps = 0;
    for (const text of texts) {
      const [box, whole] = [document.createElement('div'), document.createElement('div')];
      box.className = 'prose';
      document.body.append(box);
      const growing = new GrowingMarkdown(box);
      for (let said = '', at = 0, characters = [...text]; at < characters.length; at += 1, steps += 1) {
        growing.grow((said += characters[at]));
        faults.push(...[...box.children].flatMap(faultsIn).map((html) => `${said} gives ${html}`));
      }
      growing.finish(text);
      whole.append(...renderMarkdown(text));
      if (box.innerHTML !== whole.innerHTML) faults.push(`${text}: ${box.innerHTML} is not ${whole.innerHTML}`);
      // What a handler would do, it does when the page comes to breathe.
      if (steps % 400 < text.length) await pause(0);
      box.remove();
    }
    return { steps, faults: faults.slice(0, 5) };
  }

  function result(request) {
    return new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  }

  function pause(ms) {
    return new Promise((go) => setTimeout(go, ms));
  }

  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      if (target.nodeType === 1 && target.isConnected && !isHarmless(target)) seen.push(`element ${target.outerHTML.slice(0, 200)}`);
      for (const node of addedNodes) if (node.nodeType === 1 && node.isConnected) seen.push(...faultsIn(node).map((html) => `element ${html}`));
    }
  }).observe(document, { subtree: true, childList: true, attributes: true });
})();
