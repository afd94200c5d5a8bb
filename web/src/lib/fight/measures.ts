/** What two fights are compared by, as an address names it. */
export const MEASURES = ['dps', 'damage', 'bosses', 'healing', 'hps', 'taken', 'deaths'] as const;
export type Measure = (typeof MEASURES)[number];
