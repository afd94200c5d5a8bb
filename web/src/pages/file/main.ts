import '../../app.css';
import { mount } from 'svelte';
import { readSaved } from '$lib/saved/saved';
import { wiredTo } from '$lib/saved/wired';
import { alone } from '$lib/ui/alone';
import ReportPage from '../report/ReportPage.svelte';
import NoFight from './NoFight.svelte';

alone.is = true;
const target = document.getElementById('app');
if (target !== null) {
  readSaved(document.getElementById('fight')?.textContent ?? '').then(
    (saved) => {
      mount(ReportPage, { target, props: { id: saved.report.reportId, wired: wiredTo(saved) } });
    },
    (error: unknown) => {
      mount(NoFight, { target, props: { why: error instanceof Error ? error.message : '' } });
    },
  );
}
