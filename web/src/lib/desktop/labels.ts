/**
 * What the window is labelled with: one file a language, each with all of it, by type. What the app says of itself (how
 * things stand, reasons, remedies) is not here: it comes in words, the same as in the tray.
 */
import { en } from './labels/en';
import { zh } from './labels/zh';

/** What is said, whatever it says. */
type Said<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { [K in keyof T]: Said<T[K]> };

/** All labels of a language. */
export type Labels = Said<typeof en>;

/** Languages that the window speaks. */
export type Language = 'en' | 'zh';

export const LABELS: Record<Language, Labels> = { en, zh };
