import '../../app.css';
import { mount } from 'svelte';
import type { RaidPlace } from '$lib/api/client';
import RaidPage from './RaidPage.svelte';

const target = document.getElementById('app');
if (target !== null) {
  const [, kind, name = ''] = location.pathname.split('/');
  const place: RaidPlace = { kind: kind === 'live' ? 'channel' : 'raid', name: decodeURIComponent(name) };
  mount(RaidPage, { target, props: { place } });
}
