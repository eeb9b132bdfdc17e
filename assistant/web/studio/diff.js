// What differs between two texts, word by word. Pure.

const LONGEST_TABLE = 1_500_000;

/** @typedef {{text: string, differs: boolean}} Piece */

/**
 * Both texts in pieces; what stands in only one of them differs. Blanks belong to the word before them.
 * @param {string} before @param {string} after @returns {{before: Piece[], after: Piece[]}}
 */
export function compareWords(before, after) {
  const [a, b] = [wordsOf(before), wordsOf(after)];
  let head = 0;
  while (head < a.length && head < b.length && same(a[head], b[head])) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && same(a[a.length - 1 - tail], b[b.length - 1 - tail]))
    tail += 1;
  const [inA, inB] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  const [keptA, keptB] = inA.length * inB.length > LONGEST_TABLE ? [new Set(), new Set()] : commonOf(inA, inB);
  const pieces = (/** @type {string[]} */ words, /** @type {Set<number>} */ kept) =>
    merged(
      words.map((text, i) => ({
        text,
        differs: i >= head && i < words.length - tail && !kept.has(i - head),
      })),
    );
  return { before: pieces(a, keptA), after: pieces(b, keptB) };
}

/** @param {string} text */
const wordsOf = (text) => text.match(/\S+\s*|^\s+/g) ?? [];

/** @param {string} a @param {string} b */
const same = (a, b) => a.trimEnd() === b.trimEnd();

/** Positions of a longest common subsequence in each. @param {string[]} a @param {string[]} b @returns {[Set<number>, Set<number>]} */
function commonOf(a, b) {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      lengths[i * width + j] = same(a[i], b[j])
        ? lengths[(i + 1) * width + j + 1] + 1
        : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
  const [keptA, keptB] = [new Set(), new Set()];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (same(a[i], b[j])) {
      keptA.add(i++);
      keptB.add(j++);
    } else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return [keptA, keptB];
}

/** @param {Piece[]} words @returns {Piece[]} */
function merged(words) {
  /** @type {Piece[]} */
  const pieces = [];
  for (const word of words) {
    const last = pieces.at(-1);
    if (last && last.differs === word.differs) last.text += word.text;
    else pieces.push({ ...word });
  }
  return pieces;
}
