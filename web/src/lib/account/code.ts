/** The code that a program shows, and that somebody types. */

/**
 * A code as programs show it: "BCDF-GHJK". Small letters, dashes and spaces do not matter. `null`: this is none, and
 * the relay, which counts what is tried, need not be asked.
 */
export function codeOf(typed: string): string | null {
  const plain = typed.replace(/[\s\p{P}]/gu, '').toUpperCase();
  return /^[A-Z]{8}$/.test(plain) ? `${plain.slice(0, 4)}-${plain.slice(4)}` : null;
}
