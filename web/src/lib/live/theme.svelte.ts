/** Dark or light: the reader's choice, kept; before one is made, the system's. `theme.js` sets it before first paint. */
import { flushSync } from 'svelte';

export type Theme = 'dark' | 'light';

const KEY = 'raidcast.theme';

class ThemeState {
  #printing = $state(false);
  current = $state<Theme>(document.documentElement.dataset['theme'] === 'light' ? 'light' : 'dark');

  constructor() {
    matchMedia('(prefers-color-scheme: light)').addEventListener('change', (event) => {
      if (this.#chosen() === null) this.#set(event.matches ? 'light' : 'dark');
    });
    // Paper is light. What is drawn on a canvas has to be drawn anew before it is printed.
    const print = (printing: boolean): void => {
      flushSync(() => {
        this.#printing = printing;
      });
    };
    matchMedia('print').addEventListener('change', (event) => {
      print(event.matches);
    });
    window.addEventListener('beforeprint', () => {
      print(true);
    });
    window.addEventListener('afterprint', () => {
      print(false);
    });
  }

  /** What canvases are drawn for. */
  get drawn(): Theme | 'print' {
    return this.#printing ? 'print' : this.current;
  }

  toggle(): void {
    const next = this.current === 'dark' ? 'light' : 'dark';
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // Storage is off: the choice lasts as long as the page.
    }
    this.#set(next);
  }

  #chosen(): string | null {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  }

  #set(theme: Theme): void {
    this.current = theme;
    document.documentElement.dataset['theme'] = theme;
  }
}

/** The page's theme. */
export const theme = new ThemeState();
