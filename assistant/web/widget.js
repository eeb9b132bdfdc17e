// The one script tag of a customer's site: puts <tellonce-chat> on the page and `window.tellonce` in its hands.
// A classic script, so that `document.currentScript` tells where the widget lives; the rest is modules beside it.
(() => {
  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  if (!script || customElements.get("tellonce-chat")) return;
  const origin = new URL(script.src).origin;
  const { locale, theme } = script.dataset;
  import(`${origin}/web/widget/chat.js`).then(
    ({ mount }) => mount({ origin, locale, theme }),
    (cause) => console.error("Tellonce: the chat could not be loaded.", cause),
  );
})();
