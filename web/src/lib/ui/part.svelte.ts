/** A part of a page that is not seen at first: it is loaded when it is wanted, and stands in its place once it has come. */

/** How long a part that did not come is left alone, ms: then whoever wants it asks once more. */
const AGAIN_MS = 2_000;

/** See the module. */
export class Part<T> {
  /** `null` while it has not come. */
  component = $state.raw<T | null>(null);
  /** Whether it did not come when it was asked for last. */
  failed = $state(false);
  readonly #load: () => Promise<{ default: T }>;
  #asked = false;
  #insisted = false;

  constructor(load: () => Promise<{ default: T }>) {
    this.#load = load;
  }

  /** It is wanted, or soon will be. */
  want(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#load().then(
      ({ default: component }) => {
        this.component = component;
        this.failed = false;
      },
      () => {
        this.failed = true;
        setTimeout(() => {
          this.#asked = false;
          if (this.#insisted) this.want();
        }, AGAIN_MS);
      },
    );
  }

  /** It is wanted, and asked for until it has come: nobody would ask for it by hand. */
  insist(): void {
    this.#insisted = true;
    this.want();
  }
}

/** Wants all of them with the first sign of somebody at the page; until the returned function is called. */
export function wantSoon(parts: readonly Part<unknown>[]): () => void {
  const SIGNS = ['pointermove', 'pointerdown', 'keydown'] as const;
  const stop = (): void => {
    for (const sign of SIGNS) window.removeEventListener(sign, seen);
  };
  const seen = (): void => {
    stop();
    for (const part of parts) part.want();
  };
  for (const sign of SIGNS) window.addEventListener(sign, seen, { passive: true });
  return stop;
}
