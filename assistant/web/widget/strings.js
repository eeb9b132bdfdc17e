// Every word the widget says, by language. A missing one falls back to English.

const en = {
  title: "How can we help?",
  openChat: "Open chat",
  openChatUnread: (/** @type {number} */ n) => `Open chat, ${n} unread ${n === 1 ? "message" : "messages"}`,
  closeChat: "Close chat",
  panel: "Support chat",
  messages: "Conversation. Use the arrow keys to move through it.",
  greeting: "Ask anything about our products, your order or a return. Each answer shows where it is written.",
  greetingNamed: (/** @type {string} */ name) => `Hello ${name}. What can we do for you? Each answer shows where it is written.`,
  assistant: "Assistant",
  assistantStatus: "Assistant, with sources",
  agent: "Support",
  you: "You",
  withAgent: (/** @type {string} */ name) => `You are talking to ${name}`,
  inQueue: "Waiting for a person",
  queuePosition: (/** @type {number} */ n) => (n <= 1 ? "You are next." : `You are number ${n} in line.`),
  queueWait: (/** @type {number} */ minutes) => `About ${minutes} min.`,
  queueNote: "You can keep writing. Everything here is passed on.",
  endedStatus: "This conversation has ended",
  talkToPerson: "Talk to a person",
  end: "End conversation",
  endQuestion: "End this conversation?",
  endConfirm: "End it",
  endCancel: "Keep talking",
  startNew: "Start a new conversation",
  composer: "Your message",
  placeholder: "Write a message",
  send: "Send message",
  tooLong: (/** @type {number} */ over) => `${over} characters too many`,
  charactersLeft: (/** @type {number} */ left) => `${left} characters left`,
  thinking: "is looking this up",
  isTyping: (/** @type {string} */ name) => `${name} is writing`,
  offline: "You are offline. What you write is kept and sent when you are back.",
  reconnecting: "Connecting again. What you write is kept.",
  signInAgain: "Your sign-in has expired. Please sign in again on this page.",
  refused: "The chat is not available right now. Your messages are kept on this device.",
  sending: "Sending",
  waiting: "Will be sent when you are connected",
  failed: "Not sent",
  retry: "Try again",
  discard: "Remove",
  sources: "Sources",
  source: (/** @type {number} */ n) => `Source ${n}`,
  openSource: "Open in document",
  closeSource: "Close source",
  helpful: "Did this help?",
  yes: "Yes, this helped",
  no: "No, this did not help",
  ratedYes: "Thank you.",
  ratedNo: "Thank you. A person can take over at any time.",
  degraded: "Straight from our documents",
  suggestions: "Suggested questions",
  newMessages: "New messages",
  handoffRequested: "You asked for a person",
  handoffAccepted: (/** @type {string} */ name) => `${name} is here and has read the conversation`,
  handoffTransferred: "A colleague is taking over",
  handoffReturned: "The assistant is back",
  ended: "Conversation ended",
  erased: "This message was deleted.",
  surveyComment: "Anything to add? (optional)",
  surveySend: "Send rating",
  surveySkip: "Not now",
  surveyThanks: "Thank you for telling us.",
  surveyAnswered: (/** @type {number} */ score) => `You rated this ${score}`,
  today: "Today",
  yesterday: "Yesterday",
};

/** @typedef {typeof en} Strings */

/** @type {Partial<Strings>} */
const de = {
  title: "Wie können wir helfen?",
  openChat: "Chat öffnen",
  openChatUnread: (n) => `Chat öffnen, ${n} ungelesene ${n === 1 ? "Nachricht" : "Nachrichten"}`,
  closeChat: "Chat schließen",
  panel: "Support-Chat",
  messages: "Unterhaltung. Mit den Pfeiltasten bewegen Sie sich darin.",
  greeting: "Fragen Sie nach Produkten, Ihrer Bestellung oder einer Rückgabe. Jede Antwort zeigt, wo sie geschrieben steht.",
  greetingNamed: (name) => `Guten Tag, ${name}. Was können wir für Sie tun? Jede Antwort zeigt, wo sie geschrieben steht.`,
  assistant: "Assistent",
  assistantStatus: "Assistent, mit Quellen",
  agent: "Support",
  you: "Sie",
  withAgent: (name) => `Sie sprechen mit ${name}`,
  inQueue: "Wartet auf einen Menschen",
  queuePosition: (n) => (n <= 1 ? "Sie sind als Nächstes dran." : `Sie sind Nummer ${n} in der Reihe.`),
  queueWait: (minutes) => `Etwa ${minutes} Min.`,
  queueNote: "Schreiben Sie ruhig weiter. Alles hier wird weitergegeben.",
  endedStatus: "Diese Unterhaltung ist beendet",
  talkToPerson: "Mit einem Menschen sprechen",
  end: "Unterhaltung beenden",
  endQuestion: "Diese Unterhaltung beenden?",
  endConfirm: "Beenden",
  endCancel: "Weiter sprechen",
  startNew: "Neue Unterhaltung beginnen",
  composer: "Ihre Nachricht",
  placeholder: "Nachricht schreiben",
  send: "Nachricht senden",
  tooLong: (over) => `${over} Zeichen zu viel`,
  charactersLeft: (left) => `Noch ${left} Zeichen`,
  thinking: "sieht nach",
  isTyping: (name) => `${name} schreibt`,
  offline: "Sie sind offline. Was Sie schreiben, wird aufbewahrt und später gesendet.",
  reconnecting: "Die Verbindung wird wiederhergestellt. Was Sie schreiben, wird aufbewahrt.",
  signInAgain: "Ihre Anmeldung ist abgelaufen. Bitte melden Sie sich auf dieser Seite neu an.",
  refused: "Der Chat ist gerade nicht erreichbar. Ihre Nachrichten bleiben auf diesem Gerät.",
  sending: "Wird gesendet",
  waiting: "Wird gesendet, sobald Sie verbunden sind",
  failed: "Nicht gesendet",
  retry: "Erneut versuchen",
  discard: "Entfernen",
  sources: "Quellen",
  source: (n) => `Quelle ${n}`,
  openSource: "Im Dokument öffnen",
  closeSource: "Quelle schließen",
  helpful: "Hat das geholfen?",
  yes: "Ja, das hat geholfen",
  no: "Nein, das hat nicht geholfen",
  ratedYes: "Danke.",
  ratedNo: "Danke. Ein Mensch kann jederzeit übernehmen.",
  degraded: "Direkt aus unseren Dokumenten",
  suggestions: "Vorgeschlagene Fragen",
  newMessages: "Neue Nachrichten",
  handoffRequested: "Sie haben um einen Menschen gebeten",
  handoffAccepted: (name) => `${name} ist da und hat die Unterhaltung gelesen`,
  handoffTransferred: "Eine Kollegin oder ein Kollege übernimmt",
  handoffReturned: "Der Assistent ist wieder da",
  ended: "Unterhaltung beendet",
  erased: "Diese Nachricht wurde gelöscht.",
  surveyComment: "Möchten Sie etwas ergänzen? (freiwillig)",
  surveySend: "Bewertung senden",
  surveySkip: "Jetzt nicht",
  surveyThanks: "Danke für Ihre Rückmeldung.",
  surveyAnswered: (score) => `Ihre Bewertung: ${score}`,
  today: "Heute",
  yesterday: "Gestern",
};

const languages = /** @type {Record<string, Partial<Strings>>} */ ({ en, de });
const rightToLeft = new Set(["ar", "dv", "fa", "he", "ku", "ps", "ur", "yi"]);

/** The words for a locale such as "de-AT", with the language they are in and its direction. A locale that the browser
 * cannot read counts as English. @param {string} locale
 * @returns {Strings & {locale: string, language: string, direction: "ltr" | "rtl"}} */
export function stringsFor(locale) {
  const known = isLocale(locale) ? locale : "en";
  const language = known.toLowerCase().split("-")[0];
  const direction = rightToLeft.has(language) ? "rtl" : "ltr";
  return { ...en, ...languages[language], locale: known, language: language in languages ? known : "en", direction };
}

/** @param {string} locale */
function isLocale(locale) {
  try {
    return Intl.getCanonicalLocales(locale).length > 0;
  } catch {
    return false;
  }
}
