/** Each state of a page in words: for its badge, and in full. */
import type { PageStatus } from '$lib/live/status';

/** How a state is said. */
export interface StatusWords {
  /** A word or two. */
  label: string;
  /** The same for a narrow place. */
  short: string;
  /** What stands before the name in a tab. */
  mark: '● ' | '○ ' | '';
  /** What it means for who looks at it. */
  sentence: string;
  tone: 'live' | 'calm' | 'warn' | 'good';
  dot: 'full' | 'ring' | 'spin' | 'none';
}

const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** See the module. */
export function statusWords(status: PageStatus): StatusWords {
  const calm = { mark: '' } as const;
  switch (status.kind) {
    case 'connecting':
      return {
        ...calm,
        label: 'Connecting',
        short: 'Connecting',
        sentence: 'The page is connecting to the relay.',
        tone: 'calm',
        dot: 'spin',
      };
    case 'live':
      return {
        label: 'Live',
        short: 'Live',
        mark: '● ',
        sentence: 'Live: the figures change while the fight goes on.',
        tone: 'live',
        dot: 'full',
      };
    case 'idle':
      return {
        ...calm,
        label: 'Idle',
        short: 'Idle',
        sentence: 'Nothing is happening now.',
        tone: 'calm',
        dot: 'ring',
      };
    case 'stale': {
      const since = time.format(status.sinceMs);
      return {
        label: `No news since ${since}`,
        short: 'No news',
        mark: '○ ',
        sentence:
          status.who === 'relay'
            ? `The relay does not answer. Trying again. Figures are from ${since}.`
            : `The uploader is not connected. Figures are from ${since}.`,
        tone: 'warn',
        dot: 'ring',
      };
    }
    case 'reconnecting':
      return {
        label: 'Reconnecting',
        short: 'Reconnecting',
        mark: '○ ',
        sentence:
          status.sinceMs === null
            ? 'The relay does not answer. Trying again.'
            : `The connection was lost. Trying again. Figures are from ${time.format(status.sinceMs)}.`,
        tone: 'warn',
        dot: 'spin',
      };
    case 'uploads':
      return {
        ...calm,
        label: 'Uploads',
        short: 'Uploads',
        sentence: 'The fights of this raid are uploaded when they are over. New ones appear here by themselves.',
        tone: 'calm',
        dot: 'none',
      };
    case 'stub':
      return {
        ...calm,
        label: 'Not taken',
        short: 'Not taken',
        sentence: 'Nothing of this fight could be taken.',
        tone: 'calm',
        dot: 'none',
      };
    case 'ended':
      return {
        ...calm,
        label: 'Final',
        short: 'Final',
        sentence: 'The fight is over. This is its report.',
        tone: 'good',
        dot: 'none',
      };
    case 'provisional':
      return {
        ...calm,
        label: 'Provisional',
        short: 'Provisional',
        sentence: 'No more hits came, but the meter did not end the fight. The report may still change.',
        tone: 'warn',
        dot: 'none',
      };
    case 'replay':
      return {
        ...calm,
        label: 'Replay',
        short: 'Replay',
        sentence: 'This is a replay. The figures show the fight up to this moment.',
        tone: 'good',
        dot: 'none',
      };
    case 'notFound':
      return {
        ...calm,
        label: 'Not found',
        short: 'Not found',
        sentence: 'There is nothing at this address.',
        tone: 'calm',
        dot: 'none',
      };
    case 'failed':
      return {
        ...calm,
        label: 'Not loaded',
        short: 'Not loaded',
        sentence: status.message,
        tone: 'warn',
        dot: 'spin',
      };
  }
}
