// The widget's sheet: a string, because a host page's policy may forbid every other way. Colours and the marker stroke
// are those of look/, which a test holds.

const TOKENS = `
  color-scheme: light dark;
  --paper: light-dark(#fbfaf7, #14191f);
  --raised: light-dark(#ffffff, #1c232b);
  --sunk: light-dark(#f3f0e9, #0f1318);
  --ink: light-dark(#1b2430, #ece9e2);
  --muted: light-dark(#55606e, #a5afba);
  --line: light-dark(#e3dfd6, #323b46);
  --edge: light-dark(#837d71, #77828e);
  --accent: light-dark(#0f6a63, #6accc0);
  --accent-ink: light-dark(#ffffff, #06211e);
  --accent-soft: light-dark(#e0efec, #17352f);
  --marker: light-dark(#ffe58a, #66540f);
  --marker-ink: light-dark(#1b2430, #fdf3cf);
  --danger: light-dark(#a11d2e, #f59aa3);
  --shadow: 0 1px 2px rgb(20 25 31 / 8%), 0 12px 32px rgb(20 25 31 / 16%);
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  --small: 13px;
  --text: 16px;
  --corner: 8px;
  --quick: 150ms;
`;

const FRAME = `
:host { ${TOKENS} all: initial; color-scheme: light dark; position: fixed; inset: auto; z-index: 2147483000;
  bottom: max(20px, env(safe-area-inset-bottom)); inset-inline-end: max(20px, env(safe-area-inset-right));
  font: 400 var(--text) / 1.5 var(--sans); color: var(--ink); display: block; }
:host([data-theme="light"]) { color-scheme: light; }
:host([data-theme="dark"]) { color-scheme: dark; }
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
button, textarea, input { font: inherit; color: inherit; }
button { background: none; border: 0; padding: 0; cursor: pointer; border-radius: var(--corner); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
p, ul, ol, pre, blockquote, h2 { margin: 0; unicode-bidi: plaintext; }
.icon { width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linecap: round;
  stroke-linejoin: round; flex: none; }
.hush { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.launcher { display: grid; place-items: center; width: 60px; height: 60px; border-radius: 30px; margin-inline-start: auto;
  color: var(--accent-ink); background: var(--accent); box-shadow: var(--shadow); position: relative; }
.launcher .icon { width: 28px; height: 28px; }
.badge { position: absolute; top: -4px; inset-inline-end: -4px; min-width: 24px; padding-inline: 6px;
  border-radius: 12px; border: 2px solid var(--paper); background: var(--marker); color: var(--marker-ink);
  font: 600 var(--small) / 20px var(--sans); text-align: center; font-variant-numeric: tabular-nums; }

.panel { position: absolute; bottom: 76px; inset-inline-end: 0; width: 408px;
  height: min(620px, calc(100dvh - 116px)); display: flex; flex-direction: column; overflow: hidden;
  background: var(--paper); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); }
@media (prefers-reduced-motion: no-preference) {
  .panel:not([hidden]) { animation: rise var(--quick) ease-out; }
  @keyframes rise { from { opacity: 0; transform: translateY(8px); } }
}

.panel > .top { display: flex; align-items: center; gap: 4px; padding-block: 10px 6px; padding-inline: 16px 8px; }
.panel > .top h2 { flex: 1; font: 650 18px / 1.3 var(--sans); }
.quiet { display: inline-grid; place-items: center; min-width: 44px; min-height: 44px; color: var(--muted); }
.quiet:hover { color: var(--ink); background: var(--sunk); }
.floor { display: flex; align-items: center; gap: 8px; padding-block: 0 8px; padding-inline: 16px 12px; border-block-end: 1px solid var(--line);
  font-size: var(--small); color: var(--muted); }
.floor p { flex: 1; min-width: 0; line-height: 1.35; }
.floor strong { color: var(--ink); font-weight: 600; display: block; }
.outline, .solid { display: inline-flex; align-items: center; justify-content: center; gap: 6px; min-height: 44px;
  padding-inline: 15px; border: 1px solid var(--edge); font-size: 14px; font-weight: 600; background: var(--raised); }
.outline:enabled:hover { border-color: var(--accent); color: var(--accent); }
.solid { background: var(--accent); color: var(--accent-ink); border-color: transparent; }
button:disabled { color: var(--muted); border-color: var(--line); background: var(--sunk); cursor: default; }
.notice { padding: 8px 16px; font-size: var(--small); background: var(--accent-soft); color: var(--ink); }
`;

const LOG = `
.scroll { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 16px;
  scrollbar-width: thin; }
.scroll:focus-visible { outline-offset: -3px; }
.log, .pending { display: flex; flex-direction: column; gap: 4px; }
.greeting { color: var(--muted); padding-block: 4px 8px; text-wrap: pretty; }
.day, .event { align-self: center; font-size: var(--small); color: var(--muted); padding-block: 10px 6px; text-align: center; text-wrap: balance; }
.message { max-width: 100%; margin-block-end: 12px; border-radius: var(--corner); overflow-wrap: anywhere; text-wrap: pretty; }
.message:focus-visible { outline-offset: 4px; }
.by { font-size: var(--small); color: var(--muted); margin-block-end: 2px; display: flex; gap: 8px; align-items: baseline; }
.by b { font-weight: 600; color: var(--ink); }
.message[data-role="customer"] { align-self: flex-end; max-width: 86%; display: flex; flex-direction: column; align-items: flex-end; }
.message[data-role="customer"] .body { background: var(--accent-soft); padding: 8px 14px; border-radius: 12px 12px 3px 12px; }
.message[data-role="agent"] .body { background: var(--raised); border: 1px solid var(--line); padding: 8px 14px; border-radius: 12px 12px 12px 3px;
  width: fit-content; }
.body > * + *, .body li > * + * { margin-block-start: 8px; }
.body ul, .body ol { padding-inline-start: 22px; }
.body li + li { margin-block-start: 4px; }
.body .heading { font-weight: 650; }
.body code { font: 0.9em var(--mono); background: var(--sunk); border-radius: 4px; padding: 1px 4px; }
.body pre { background: var(--sunk); border-radius: var(--corner); padding: 10px 12px; overflow-x: auto; }
.body pre code { padding: 0; background: none; }
.body blockquote { border-inline-start: 3px solid var(--line); padding-inline-start: 12px; color: var(--muted); }
.body a, .card a { color: var(--accent); text-underline-offset: 2px; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { text-align: start; padding-block: 5px; padding-inline: 0 12px; border-block-end: 1px solid var(--line); vertical-align: top; }

.marker { color: var(--marker-ink); background-color: transparent;
  background-image: linear-gradient(96deg, transparent 0.25em, color-mix(in srgb, var(--marker) 82%, transparent) 0.3em,
    var(--marker) 0.9em, var(--marker) calc(100% - 0.7em), color-mix(in srgb, var(--marker) 82%, transparent) calc(100% - 0.28em),
    transparent calc(100% - 0.22em));
  border-radius: 0.4em 0.7em 0.3em 0.6em; box-decoration-break: clone; -webkit-box-decoration-break: clone;
  margin-inline: -0.3em; padding: 0.08em 0.35em 0.1em; }
.cite { display: inline-block; min-width: 24px; min-height: 24px; margin: -3px 1px; padding: 0 6px; vertical-align: 1px;
  font: 600 12px / 24px var(--sans); font-variant-numeric: tabular-nums; text-align: center; color: var(--marker-ink);
  background: var(--marker); border-radius: 5px 8px 4px 7px; }
.cite:hover, .source:hover .cite, .cite[aria-expanded="true"] { box-shadow: 0 0 0 2px var(--accent); }
.sources { display: flex; flex-direction: column; margin-block-start: 8px; padding-inline-start: 0; list-style: none; }
.source { display: flex; gap: 8px; align-items: center; width: 100%; min-height: 36px; text-align: start; font-size: var(--small);
  color: var(--muted); line-height: 1.35; }
.source span.title { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.source:hover .title { color: var(--ink); text-decoration: underline; text-underline-offset: 2px; }
.source .cite { margin: 0; flex: none; }
.rate { display: flex; align-items: center; gap: 2px; font-size: var(--small); color: var(--muted); min-height: 44px; margin-block: -4px -8px; }
.rate .quiet .icon { width: 18px; height: 18px; }
.rate .flip .icon { transform: rotate(180deg); }
.rate [aria-pressed="true"] { color: var(--accent); }
.rate [aria-pressed="true"] .icon { fill: var(--accent-soft); }
.state { font-size: var(--small); color: var(--muted); display: flex; gap: 8px; align-items: center; margin-block-start: 2px; }
.state.failed { color: var(--danger); flex-wrap: wrap; justify-content: flex-end; }
.state button { min-height: 44px; padding-inline: 6px; text-decoration: underline; text-underline-offset: 2px; color: inherit; }
.message.unsent .body { opacity: 0.75; }
.working { display: flex; align-items: center; gap: 10px; font-size: var(--small); color: var(--muted); min-height: 24px; }
.stroke { width: 36px; height: 10px; border-radius: 5px 8px 4px 7px; background: var(--marker); }
@media (prefers-reduced-motion: no-preference) {
  .stroke { animation: draw 1.3s cubic-bezier(0.6, 0, 0.3, 1) infinite; }
  @keyframes draw { 0% { width: 4px; } 60% { opacity: 1; } 100% { opacity: 0; } }
}
.newer { position: absolute; top: -52px; inset-inline: 0; width: fit-content; margin-inline: auto; border-radius: 22px; box-shadow: var(--shadow); }
`;

const FOOT = `
.foot { position: relative; border-block-start: 1px solid var(--line); background: var(--raised); }
.tray { padding: 12px 16px; border-block-end: 1px solid var(--line); display: grid; gap: 10px; max-height: 46dvh; overflow-y: auto; }
.tray p { font-weight: 600; }
.row { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.row.end { justify-content: flex-end; }
.suggestions { display: flex; flex-wrap: wrap; gap: 8px; padding: 10px 16px 0; }
.suggestions .outline { text-align: start; font-weight: 450; padding-block: 6px; line-height: 1.3; border-color: var(--line); }
.suggestions .outline:hover { border-color: var(--accent); }
.scale { display: flex; gap: 4px; }
.scale label { flex: 1; position: relative; }
.scale input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: pointer; }
.scale span { display: grid; place-items: center; min-height: 44px; border: 1px solid var(--edge); border-radius: var(--corner);
  font-weight: 600; font-variant-numeric: tabular-nums; background: var(--paper); }
.scale label:hover span { border-color: var(--accent); }
.scale input:checked + span { background: var(--accent); color: var(--accent-ink); border-color: var(--accent); }
.scale input:focus-visible + span { outline: 2px solid var(--accent); outline-offset: 2px; }
.ends { display: flex; justify-content: space-between; font-size: var(--small); color: var(--muted); margin-block-start: -6px; }
.field { width: 100%; border: 1px solid var(--edge); border-radius: var(--corner); padding: 9px 12px; background: var(--paper); resize: none; }
textarea:focus-visible { outline-offset: 0; }
.write { display: flex; align-items: flex-end; gap: 8px; padding: 10px 12px max(10px, env(safe-area-inset-bottom)); }
.write textarea { flex: 1; min-width: 0; min-height: 44px; max-height: 168px; border: 1px solid var(--edge); border-radius: var(--corner);
  padding: 9px 12px; background: var(--paper); resize: none; line-height: 1.5; field-sizing: content; scrollbar-width: thin; }
textarea::placeholder { color: var(--muted); opacity: 1; }
.send { width: 44px; padding: 0; }
.count { font-size: var(--small); color: var(--muted); padding-inline: 16px; padding-block-start: 6px; font-variant-numeric: tabular-nums; }
.count.over { color: var(--danger); font-weight: 600; }

.card { position: absolute; inset-inline: 12px; background: var(--raised); border: 1px solid var(--line); border-radius: var(--corner);
  box-shadow: var(--shadow); padding: 12px 16px 6px; display: grid; gap: 8px; max-height: 60%; overflow-y: auto; z-index: 2; }
.card .top { display: flex; gap: 10px; align-items: flex-start; }
.card .top > div { flex: 1; min-width: 0; }
.card .top .quiet { margin-block: -10px 0; margin-inline: 0 -12px; }
.card strong { display: block; font-weight: 650; line-height: 1.35; }
.card .section { font-size: var(--small); color: var(--muted); }
.card blockquote { line-height: 1.7; overflow-wrap: anywhere; white-space: pre-line; padding-inline: 0.3em; }
.card a { display: inline-flex; gap: 6px; align-items: center; min-height: 44px; font-weight: 550; font-size: 14px; }
.card a .icon { width: 16px; height: 16px; }

@media (max-width: 520px) {
  .panel { position: fixed; inset: 0; top: var(--viewport-top, 0px); bottom: auto; width: 100%; height: var(--viewport-height, 100dvh);
    border: 0; border-radius: 0; padding-block-start: env(safe-area-inset-top); }
  :host([data-open]) .launcher { display: none; }
}
@media (forced-colors: active) {
  .launcher, .solid, .cite, .badge, .scale span, .message .body { border: 1px solid ButtonText; }
  .scale input:checked + span { background: Highlight; color: HighlightText; forced-color-adjust: none; }
  .marker { background: Mark; color: MarkText; }
}
`;

/** The one sheet every <tellonce-chat> adopts. */
export function makeSheet() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(FRAME + LOG + FOOT);
  return sheet;
}
