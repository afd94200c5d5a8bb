/** Dark or light: the reader's choice, kept; before one is made, the system's. `theme.js` sets it before first paint. */

export type Theme = 'dark' | 'light';

const KEY = 'raidcast.theme';

class ThemeState {
  current = $state<Theme>(document.documentElement.dataset['theme'] === 'light' ? 'light' : 'dark');

  constructor() {
    matchMedia('(prefers-color-scheme: light)').addEventListener('change', (event) => {
      if (this.#chosen() === null) this.#set(event.matches ? 'light' : 'dark');
    });
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
