/** Each state of a page in words: for its badge, and in full. */
import type { PageStatus } from '$lib/live/status';

/** How a state is said. */
export interface StatusWords {
  /** A word or two. */
  label: string;
  /** What it means for who looks at it. */
  sentence: string;
  tone: 'live' | 'calm' | 'warn' | 'good';
  dot: 'pulse' | 'ring' | 'spin' | 'none';
}

const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** See the module. */
export function statusWords(status: PageStatus): StatusWords {
  switch (status.kind) {
    case 'connecting':
      return { label: 'Connecting', sentence: 'Connecting to the relay.', tone: 'calm', dot: 'spin' };
    case 'live':
      return { label: 'Live', sentence: 'Live: figures change as the fight goes on.', tone: 'live', dot: 'pulse' };
    case 'idle':
      return { label: 'Idle', sentence: 'Connected; nothing is happening at present.', tone: 'calm', dot: 'ring' };
    case 'stale':
      return {
        label: `No news since ${time.format(status.sinceMs)}`,
        sentence:
          status.who === 'relay'
            ? `The relay has not answered since ${time.format(status.sinceMs)}. Figures are of then.`
            : `The uploader is not connected. Figures are of ${time.format(status.sinceMs)}.`,
        tone: 'warn',
        dot: 'ring',
      };
    case 'reconnecting':
      return {
        label: 'Reconnecting',
        sentence:
          status.sinceMs === null
            ? 'The relay cannot be reached; trying again.'
            : `The connection was cut; trying again. Figures are of ${time.format(status.sinceMs)}.`,
        tone: 'warn',
        dot: 'spin',
      };
    case 'ended':
      return { label: 'Final report', sentence: 'The fight is over. This is its report.', tone: 'good', dot: 'none' };
    case 'provisional':
      return {
        label: 'Provisional',
        sentence: 'The fight stopped without an end. This report may still change.',
        tone: 'warn',
        dot: 'none',
      };
    case 'replay':
      return {
        label: 'Replay',
        sentence: 'The fight is played again: figures are of a moment of it, not of its end.',
        tone: 'good',
        dot: 'none',
      };
    case 'notFound':
      return { label: 'Not found', sentence: 'Nothing was found here.', tone: 'calm', dot: 'none' };
    case 'failed':
      return { label: 'Not loaded', sentence: status.message, tone: 'warn', dot: 'spin' };
  }
}
