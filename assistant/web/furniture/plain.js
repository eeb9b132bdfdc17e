// Markdown as words alone, where there is no room or no need for its shape. Pure.

/** An answer as a customer reads it: without the marks of Markdown, and without the numbers of its sources.
 * @param {string} text */
export const plainOf = (text) =>
  text
    .replace(/\s*\[\d+\](?!\()/g, "")
    .replace(/\[([^\]]+)\]\([^)\s]+\)/g, "$1")
    .replace(/^#+\s+|^>\s?/gm, "")
    .replace(/(\*\*|\*|`)(?=\S)(.+?)(?<=\S)\1/g, "$2")
    .replace(/^[*-]\s+/gm, "• ");
