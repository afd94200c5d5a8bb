/** What a browser calls itself, in plain words. */

/** The first that fits: most browsers name those before them, too. */
const BROWSERS: [name: string, says: RegExp][] = [
  ['Edge', /\bEdg(A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /(Chrome|\bCriOS)\//],
  ['Safari', /\bVersion\/.* Safari\//],
];
const SYSTEMS: [name: string, says: RegExp][] = [
  ['Windows', /\bWindows\b/],
  ['Android', /\bAndroid\b/],
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Mac', /\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/],
];
/** Characters that are shown of what nobody knows. */
const SHOWN = 60;

/** "Firefox on Windows"; the text itself, cut, where it is none of these. */
export function browserName(agent: string): string {
  const of = (known: typeof BROWSERS): string | undefined => known.find(([, says]) => says.test(agent))?.[0];
  const [browser, system] = [of(BROWSERS), of(SYSTEMS)];
  if (browser !== undefined) return system === undefined ? browser : `${browser} on ${system}`;
  if (agent.trim() === '') return 'Unknown browser';
  return agent.length > SHOWN ? `${agent.slice(0, SHOWN)}…` : agent;
}
