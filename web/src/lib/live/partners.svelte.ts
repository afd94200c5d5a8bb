/** Which fights one may be compared with: those of its raid, and public ones of the same boss. Read once. */
import { ApiFailure, ask, browserApiEnv, withQuery, type Api, type ApiEnv } from '$lib/api/client';
import type { components } from '$lib/api/schema';
import type { ReportSummary } from '$lib/wire/types';

/** The longest text that search takes for a boss. */
const BOSS_MAX = 64;
/** So many are offered. */
export const PARTNERS_MAX = 20;

/** A list: `null` while it is read, `'failed'` where it could not be. */
export type Partners = readonly ReportSummary[] | 'failed' | null;

/** See the module. */
export class PartnerLists {
  raid = $state.raw<Partners>(null);
  public = $state.raw<Partners>(null);
  readonly #api: Pick<Api, 'raid'>;
  readonly #env: ApiEnv;
  readonly #own = new AbortController();

  constructor(api: Pick<Api, 'raid'>, env: ApiEnv = browserApiEnv) {
    this.#api = api;
    this.#env = env;
  }

  /** Reads what there is to be compared with a report of this raid and boss, where each is known. */
  async read(of: { id: string; raid: string | null; boss: string | null }): Promise<void> {
    const { id, raid, boss } = of;
    const fights = async (): Promise<Partners> => {
      if (raid === null || raid === '') return [];
      const { reports } = await this.#api.raid({ kind: 'raid', name: raid }, this.#own.signal);
      return offered(reports, id, boss);
    };
    const found = async (): Promise<Partners> => {
      if (boss === null || boss === '' || boss.length > BOSS_MAX) return [];
      const url = withQuery('/api/v1/encounters', { bossName: boss, limit: 2 * PARTNERS_MAX });
      const answer = await ask(this.#env, url, { signal: this.#own.signal });
      const { encounters } = answer as components['schemas']['EncounterPage'];
      // Search finds parts of names, too.
      const same = encounters.filter((one) => one.bosses.includes(boss) && (raid === null || one.raid !== raid));
      return offered(same, id, boss);
    };
    await Promise.all([
      settled(fights()).then((list) => (this.raid = list)),
      settled(found()).then((list) => (this.public = list)),
    ]);
  }

  stop(): void {
    this.#own.abort();
  }
}

/** What of a list is offered: of the same boss first, the newest first, and none of which nothing could be taken. */
export function offered(fights: readonly ReportSummary[], id: string, boss: string | null): ReportSummary[] {
  const same = (fight: ReportSummary): number => Number(boss !== null && fight.bosses.includes(boss));
  return fights
    .filter((fight) => fight.reportId !== id && !fight.stub)
    .sort((a, b) => same(b) - same(a) || b.startedAtMs - a.startedAtMs)
    .slice(0, PARTNERS_MAX);
}

async function settled(list: Promise<Partners>): Promise<Partners> {
  try {
    return await list;
  } catch (error) {
    if (error instanceof ApiFailure) return 'failed';
    throw error;
  }
}
