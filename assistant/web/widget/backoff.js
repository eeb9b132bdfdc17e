// How long to wait before trying again. Pure.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

export const GOING_AWAY = 1001;
export const POLICY = 1008;
export const TRY_LATER = 1013;

/**
 * Milliseconds to wait before attempt number `attempt` (0 is the first after a working connection).
 * Doubles from half a second to half a minute; jittered over the upper half, so that a thousand customers
 * cut off together do not come back together. The close code shortens or lengthens the wait (PROTOCOL section 3).
 * @param {number} attempt
 * @param {{code?: number, random?: () => number}} [options]
 */
export function waitBeforeMs(attempt, { code = 0, random = Math.random } = {}) {
  if (code === GOING_AWAY && attempt === 0) return random() * FIRST_WAIT_MS;
  let wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  if (code === TRY_LATER) wait = Math.max(wait, 5_000);
  if (code === POLICY) wait = LONGEST_WAIT_MS;
  return wait * (0.5 + random() / 2);
}
