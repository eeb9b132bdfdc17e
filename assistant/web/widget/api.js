// `window.tellonce`: what a host page may call, before and after the widget arrives (PROTOCOL section 7).

/** Gives the page its calls, and replays those that it made too early. @param {import("./chat.js").TellonceChat} chat */
export function exposeApi(chat) {
  /** @type {Map<Function, EventListener>} */
  const listeners = new Map();
  const api = /** @type {Record<string, (...args: any[]) => void>} */ ({
    open: () => chat.open(),
    close: () => chat.hide(),
    toggle: () => chat.toggle(),
    identify: (token) => chat.identify(token),
    logout: () => chat.logout(),
    context: (context) => chat.context(context),
    ask: (text) => chat.ask(text),
    setLocale: (locale) => chat.setLocale(locale),
    on: (name, listener) => {
      const heard = (/** @type {Event} */ event) => listener(/** @type {CustomEvent} */ (event).detail);
      listeners.set(listener, heard);
      chat.addEventListener(name, heard);
      if (name === "ready" && chat.isReady) listener();
    },
    off: (name, listener) => {
      const heard = listeners.get(listener);
      if (heard) chat.removeEventListener(name, heard);
    },
  });
  const page = /** @type {{tellonce?: any}} */ (window);
  const early = page.tellonce?.queue ?? [];
  const push = (/** @type {[string, ...unknown[]]} */ [name, ...args]) => {
    if (api[name]) api[name](...args);
    else console.warn(`Tellonce: there is no call named "${name}".`);
  };
  page.tellonce = Object.assign(page.tellonce ?? {}, api, { queue: { push } });
  for (const call of early) push(call);
}
