/** Where the account is signed in. */
import { ago, day } from '../../core/times.js';
import { h } from '../dom.js';
import { button, entry, Section } from './section.js';

/** @typedef {{id: string, device: string, created_at: string, last_used_at: string, network: string|null, current: boolean}} Device */

export class Devices extends Section {
  /** @override */
  build() {
    this.head('Devices', 'Where you are signed in. A device that you do not know: sign it out, then change your password.');
    this.load('devices');
  }

  /** @override @param {string} verb @param {any} answer */
  done(verb, answer) {
    if (verb === 'devices') return this.#show(answer.items);
    this.say('Signed out there.');
    this.focusHead();
    this.load('devices');
  }

  /** @override @param {import('../../net/faults.js').Fault} fault @param {string} [verb] */
  failed(fault, verb) {
    super.failed(fault, verb);
    for (const each of this.body.querySelectorAll('button')) each.removeAttribute('disabled');
  }

  /** @param {Device[]} items */
  #show(items) {
    const others = items.filter(({ current }) => !current);
    this.body.replaceChildren(h('ul', { class: 'entries' }, ...items.map((item) => this.#entry(item))));
    if (others.length > 1) this.body.append(button('Sign out all other devices', () => this.#end(others), { tone: 'danger' }));
  }

  /** @param {Device} item */
  #entry(item) {
    const { device, created_at, last_used_at, network, current } = item;
    const used = current ? 'This device' : `Last used ${ago(last_used_at, Date.now())}`;
    const end = current ? null : button('Sign out', () => this.#end([item]), { name: `Sign out ${device}` });
    return entry(device, [used, `Signed in on ${day(created_at)}${network ? `, network ${network}` : ''}`], end);
  }

  /** @param {Device[]} items */
  #end(items) {
    for (const each of this.body.querySelectorAll('button')) each.setAttribute('disabled', '');
    this.ask('devices.end', { ids: items.map(({ id }) => id) });
  }
}

customElements.define('zg-account-devices', Devices);
