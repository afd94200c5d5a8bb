import '../../app.css';
import { mount } from 'svelte';
import ReportPage from './ReportPage.svelte';

const target = document.getElementById('app');
if (target !== null) {
  const id = decodeURIComponent(location.pathname.split('/')[2] ?? '');
  mount(ReportPage, { target, props: { id } });
}
