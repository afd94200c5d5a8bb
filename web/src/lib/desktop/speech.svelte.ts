/** Which language the window speaks: what was chosen, else the system's. */
import { LABELS, type Labels, type Language } from './labels';
import type { LanguageChoice } from './types';

/** A language's name, for screen readers and dates. */
const TAGS: Record<Language, string> = { en: 'en', zh: 'zh-CN' };
/** Dates in English are those of the relay's pages. */
const DATES: Record<Language, string> = { en: 'en-GB', zh: 'zh-CN' };

class Speech {
  language = $state<Language>('en');
  readonly words: Labels = $derived(LABELS[this.language]);
  readonly #dates = $derived(
    new Intl.DateTimeFormat(DATES[this.language], {
      day: 'numeric',
      month: 'short',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
    }),
  );
  readonly #days = $derived(
    new Intl.DateTimeFormat(DATES[this.language], { day: 'numeric', month: 'short', year: 'numeric' }),
  );
  readonly #times = $derived(new Intl.DateTimeFormat(DATES[this.language], { hour: '2-digit', minute: '2-digit' }));

  /** Speaks as was chosen. */
  choose(choice: LanguageChoice): void {
    const system = /^zh\b/i.test(navigator.language) ? 'zh' : 'en';
    this.language = choice === 'system' ? system : choice;
    document.documentElement.lang = TAGS[this.language];
  }

  /** Day and time in the reader's own zone. */
  dateTime(unixMs: number): string {
    return this.#dates.format(unixMs);
  }

  /** The day alone. */
  day(unixMs: number): string {
    return this.#days.format(unixMs);
  }

  /** The time of the day alone. */
  time(unixMs: number): string {
    return this.#times.format(unixMs);
  }
}

/** The window's language. */
export const speech = new Speech();
