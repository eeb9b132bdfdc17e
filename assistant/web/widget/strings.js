// Every word the widget says, by language. A missing one falls back to English.

export const en = {
  title: "How can we help?",
  openChat: "Open chat",
  openChatUnread: (/** @type {number} */ n) => `Open chat, ${n} unread ${n === 1 ? "message" : "messages"}`,
  closeChat: "Close chat",
  messages: "Conversation. Use the arrow keys to move through it.",
  greeting: "Ask anything about our products, your order or a return. Each answer shows where it is written.",
  greetingNamed: (/** @type {string} */ name) =>
    `Hello ${name}. What can we do for you? Each answer shows where it is written.`,
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
  tooLong: (/** @type {number} */ over) => `${over} ${over === 1 ? "character" : "characters"} too many`,
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
  surveyAnswered: (/** @type {number} */ score) => `You rated this ${score}`,
  today: "Today",
  yesterday: "Yesterday",
};

/** Languages beside English, each fetched when it is asked for. @type {Record<string, () => Promise<{strings: Partial<Strings>}>>} */
const others = { de: () => import("./strings-de.js") };
const rightToLeft = ["ar", "fa", "he", "ur"];

/** The words for a locale such as "de-AT", the language they are in and its direction. A locale that the browser cannot
 * read counts as English; a language that cannot be fetched falls back to it. @param {string} locale @returns {Promise<Words>} */
export async function loadWords(locale) {
  const known = isLocale(locale) ? locale : "en";
  const language = known.toLowerCase().split("-")[0];
  const found = await others[language]?.().catch(() => null);
  return {
    ...en,
    ...found?.strings,
    locale: known,
    language: found ? language : "en",
    direction: rightToLeft.includes(language) ? "rtl" : "ltr",
  };
}

/** English, at once. @type {Words} */
export const english = { ...en, locale: "en", language: "en", direction: "ltr" };

/** @param {string} locale */
function isLocale(locale) {
  try {
    return Intl.getCanonicalLocales(locale).length > 0;
  } catch {
    return false;
  }
}
