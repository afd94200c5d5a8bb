/** The tabs of a report: each is there where its source told what it needs. */
import { METRIC_WORDS, tabsOf } from '$lib/format/words';
import type { FightFigures, Metric } from './figures';

/** Figures by one metric, or another look at the fight. */
export type ReportTab = Metric | 'summary' | 'deaths' | 'targets' | 'attempts' | 'compare';

/** All that an address may name. */
export const REPORT_TABS: readonly ReportTab[] = [
  'summary',
  'damage',
  'healing',
  'taken',
  'deaths',
  'targets',
  'attempts',
  'compare',
];

/** Those of a fight, in their order. */
export function reportTabsOf(figures: Pick<FightFigures, 'totals' | 'attempts'>): { id: ReportTab; label: string }[] {
  const { totals, attempts } = figures;
  return [
    { id: 'summary', label: 'Summary' },
    ...tabsOf(totals),
    ...((totals.deaths ?? 0) > 0 ? [{ id: 'deaths', label: 'Deaths' } as const] : []),
    ...(totals.damageTaken !== null && totals.bossDamage !== null
      ? [{ id: 'targets', label: 'Targets' } as const]
      : []),
    ...(attempts.length > 1 ? [{ id: 'attempts', label: 'Attempts' } as const] : []),
    { id: 'compare', label: 'Compare' },
  ];
}

/** The tab that an address asks for; damage where there is no such one. */
export function reportTabOf(tabs: readonly { id: ReportTab }[], asked: ReportTab): ReportTab {
  return tabs.some(({ id }) => id === asked) ? asked : 'damage';
}

/** What a tab's chart is of. */
export function metricOf(tab: ReportTab): Metric {
  if (tab === 'deaths') return 'taken';
  return tab in METRIC_WORDS ? (tab as Metric) : 'damage';
}
