/** What is compared, in words. */
import type { TotalLine } from '$lib/fight/compare';

/** Its name in a table, and what it is in full. */
export const COMPARED_WORDS: Record<TotalLine['id'], { name: string; title: string }> = {
  dps: { name: 'DPS', title: 'Damage a second of the time in which damage was dealt' },
  damage: { name: 'Damage', title: 'Damage to what is no player' },
  bosses: { name: 'To bosses', title: 'What of the damage went to bosses' },
  healing: { name: 'Healing', title: 'Healing by players' },
  hps: { name: 'HPS', title: 'Healing a second of the time in which healing was done' },
  taken: { name: 'Taken', title: 'Damage that players took' },
  deaths: { name: 'Deaths', title: 'Deaths of players' },
  time: { name: 'Time', title: 'First to last combat event' },
  active: { name: 'Active', title: 'First to last damage that players dealt' },
  healed: { name: 'Healing time', title: 'First to last healing' },
};
