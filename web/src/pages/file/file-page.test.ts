import { cleanup, screen } from '@testing-library/svelte';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { block } from '$lib/testing/saved';
import { alone } from '$lib/ui/alone';

// uPlot draws on a canvas, which happy-dom has not.
vi.mock('uplot', () => ({
  default: class {
    setData = (): void => undefined;
    setSize = (): void => undefined;
    redraw = (): void => undefined;
    destroy = (): void => undefined;
  },
}));

/** The file as a browser opens it, with this in its block. */
async function opened(text: string, search = ''): Promise<void> {
  history.replaceState(null, '', `/fight.html${search}`);
  const data = document.createElement('script');
  data.type = 'application/json';
  data.id = 'fight';
  data.textContent = text;
  const app = document.createElement('div');
  app.id = 'app';
  document.body.replaceChildren(app, data);
  vi.resetModules();
  await import('./main');
}

const PATIENT = { timeout: 5_000 };
const row = (key: string): string =>
  document.querySelector(`tr[data-key=${key}]`)?.textContent.replace(/\s+/g, ' ').trim() ?? '';

const asked = vi.fn(() => Promise.reject(new Error('there is no network')));

// All of the page is made ready once, which takes its time where a machine is busy.
beforeAll(async () => {
  await import('./main');
}, 60_000);
beforeEach(() => {
  asked.mockClear();
  vi.stubGlobal('fetch', asked);
  vi.stubGlobal('WebSocket', asked);
});
afterEach(() => {
  cleanup();
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  alone.is = false;
  history.replaceState(null, '', '/');
});

describe('the page of a saved fight', { timeout: 20_000 }, () => {
  it('shows its report, leads nowhere and asks nobody', async () => {
    await opened(JSON.stringify(block()));
    await screen.findByRole('heading', { level: 1, name: 'Golem' }, PATIENT);
    await vi.waitFor(() => {
      expect(row('p1')).toContain('907');
    }, PATIENT);
    expect(screen.getByText(/^Saved copy/)).toBeTruthy();
    expect(document.querySelectorAll('a[href^="/"]')).toHaveLength(0);
    expect(screen.queryByRole('link', { name: 'Save the whole fight' })).toBeNull();
    expect(asked).not.toHaveBeenCalled();
  });

  it('shows the part that its address names', async () => {
    await opened(JSON.stringify(block()), '?from=2000&to=9000');
    await screen.findByRole('button', { name: 'Whole fight' }, PATIENT);
    await vi.waitFor(() => {
      expect(row('p1')).toContain('100');
    }, PATIENT);
    expect(row('p1')).not.toContain('907');
    expect(asked).not.toHaveBeenCalled();
  });

  it('says so where no fight is in it, or a damaged one', async () => {
    await opened('');
    await screen.findByText('There is no fight in this file.', {}, PATIENT);
    await opened('{"version":1,');
    await screen.findByText('This file is damaged: save the fight again.', {}, PATIENT);
  });
});
