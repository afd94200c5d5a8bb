import '../../desktop.css';
// The window's theme is the system's, also when that changes.
import '$lib/live/theme.svelte';
import { bridge } from '$lib/desktop/bridge';
import { mount } from 'svelte';
import DesktopPage from './DesktopPage.svelte';

const target = document.getElementById('app');
if (target !== null) mount(DesktopPage, { target, props: { bridge } });
