/** Runs checks one after the other and counts them. */

/** A check found something wrong. */
export class Wrong extends Error {}

/**
 * Throws unless it is so.
 *
 * @param {unknown} so
 * @param {string} otherwise what is wrong if not
 * @returns {asserts so}
 */
export function expect(so, otherwise) {
  if (!so) throw new Wrong(otherwise);
}

/**
 * Throws unless both are the same as JSON.
 *
 * @param {unknown} held
 * @param {unknown} wanted
 * @param {string} what
 */
export function same(held, wanted, what) {
  const [a, b] = [JSON.stringify(held), JSON.stringify(wanted)];
  expect(a === b, `${what}: ${a}, not ${b}`);
}

/** Counts checks, and prints a line for each. */
export class Runner {
  passed = 0;
  failed = 0;

  /**
   * @param {string} name a sentence of behaviour
   * @param {() => Promise<void>} check
   */
  async run(name, check) {
    const began = performance.now();
    try {
      await check();
      this.passed += 1;
      console.log(`ok    ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    } catch (error) {
      this.failed += 1;
      const text =
        error instanceof Wrong
          ? error.message
          : error instanceof Error
            ? (error.stack ?? error.message)
            : String(error);
      console.log(`FAIL  ${name}\n      ${text.replaceAll('\n', '\n      ')}`);
    }
  }
}
