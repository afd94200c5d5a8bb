import './overlay.css';
import { mount } from 'svelte';
import { parseOptions, placeOfOverlay, secretOf } from '$lib/overlay/options';
import OverlayPage from './OverlayPage.svelte';

const target = document.getElementById('app');
if (target !== null) {
  const place = placeOfOverlay(location.pathname);
  if (place === null) target.textContent = 'This is no address of an overlay.';
  else
    mount(OverlayPage, {
      target,
      props: { place, options: parseOptions(location.search), secret: secretOf(location.hash) },
    });
}
