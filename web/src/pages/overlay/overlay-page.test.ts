import { cleanup, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULTS, type OverlayOptions } from '$lib/overlay/options';
import { FakeSocket } from '$lib/testing/env';
import { feedFight, feedPlayer, keyframe } from '$lib/testing/samples';
import OverlayPage from './OverlayPage.svelte';

let socket: FakeSocket | undefined;

beforeEach(() => {
  vi.stubGlobal(
    'WebSocket',
    class extends FakeSocket {
      constructor(url: string) {
        super(url);
        socket = this as FakeSocket;
      }
    },
  );
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function opened(options: Partial<OverlayOptions>): Promise<HTMLElement> {
  render(OverlayPage, {
    place: { kind: 'raid', name: 'RAID' },
    options: { ...DEFAULTS, ...options },
    secret: null,
  });
  const fight = feedFight({
    startedAtMs: Date.now() - 10_000,
    players: [feedPlayer('a', { name: '<img src=x onerror=alert(1)>\u202e', isLocal: true }), feedPlayer('b')],
  });
  socket?.give(keyframe({ fight }));
  await screen.findAllByRole('listitem');
  return screen.getByRole('main');
}

describe('the overlay’s page', () => {
  it('shows names as text, and marks the uploader’s player', async () => {
    const main = await opened({});
    expect(main.querySelector('img')).toBeNull();
    expect(main.querySelector('.me .name')?.textContent).toBe('<img src=x onerror=alert(1)>');
    expect(main.dataset['trust']).toBe('good');
    expect([...main.querySelectorAll('[data-key=b] [data-column]')].map((cell) => cell.textContent)).toEqual([
      'DPS 10',
      'Share 33.3%',
    ]);
  });

  it('takes its looks from its options, and rules of one’s own as nothing but rules', async () => {
    const css = '.row { color: red } </style><script>window.bad = 1</script>';
    const main = await opened({
      theme: 'light',
      scale: 150,
      align: 'bottom-right',
      font: 'Noto Sans',
      css,
      head: false,
    });
    expect([...main.classList]).toEqual(expect.arrayContaining(['light', 'bottom', 'right']));
    expect(main.style.getPropertyValue('--unit')).toBe('1.5px');
    expect(main.style.getPropertyValue('--font')).toBe('"Noto Sans", system-ui, sans-serif');
    expect(screen.queryByRole('heading')).toBeNull();
    const style = [...document.head.querySelectorAll('style')].find((one) => one.textContent === css);
    expect(style?.children).toHaveLength(0);
    expect(document.querySelector('script')).toBeNull();
  });
});
