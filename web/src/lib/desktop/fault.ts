/** Why a call did not work, whatever it threw. */
import { speech } from './speech.svelte';
import type { Fault } from './types';

/** What the app says of it; what it does not say was no answer at all. */
export function faultOf(error: unknown): Fault {
  if (typeof error === 'object' && error !== null && 'sentence' in error && typeof error.sentence === 'string') {
    const { code, remedy } = error as Partial<Fault>;
    return { code: code ?? '', sentence: error.sentence, remedy: remedy ?? null };
  }
  const { sentence, remedy } = speech.words.noAnswer;
  return { code: 'no-answer', sentence, remedy };
}

/** As one text. */
export function faultText(fault: Fault | null): string | null {
  return fault === null ? null : [fault.sentence, fault.remedy].filter((part) => part !== null).join(' ');
}
