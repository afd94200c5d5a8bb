/** How a page looks, and how it is gone through by keyboard. */
import { overflow, violations } from './browser.js';
import { expect, same } from './runner.js';

/** A phone, a tablet, a screen; px. */
const WIDTHS = [360, 768, 1440];
/** No page has so many places to stop at. */
const STOPS_MAX = 400;

/**
 * Throws unless a page has its theme, fits all widths, and axe finds nothing at any of them.
 *
 * @param {import('playwright-core').Page} page
 * @param {'dark' | 'light'} theme
 */
export async function looksGood(page, theme) {
  same(await page.evaluate(() => document.documentElement.dataset['theme']), theme, 'theme');
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await page.waitForTimeout(150);
    same(await overflow(page), 0, `px beyond ${width}`);
    same(await violations(page), [], `violations at ${width} px`);
  }
}

/**
 * Goes through a page by the Tab key, from its beginning, and says where that stopped: the names of what had the focus, in
 * turn. Throws unless it came to all that takes the focus, each time to something that is to be seen with a mark around it.
 *
 * @param {import('playwright-core').Page} page
 */
export async function tabThrough(page) {
  // Marked, so that two of one name are two.
  const all = await page.evaluate(() => {
    // Of some of which one is chosen, arrow keys go from one to the next.
    const isStop = (/** @type {Element} */ one) =>
      !(one instanceof HTMLInputElement && one.type === 'radio') ||
      one.checked ||
      document.querySelector(`input[type=radio][name="${one.name}"]:checked`) === null;
    const takes = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
    const stops = [...document.querySelectorAll(takes)].filter(
      (one) =>
        !one.matches(':disabled, [tabindex="-1"]') && one.checkVisibility({ visibilityProperty: true }) && isStop(one),
    );
    for (const [at, one] of stops.entries()) one.setAttribute('data-stop', String(at));
    document.documentElement.tabIndex = -1;
    document.documentElement.focus();
    document.documentElement.removeAttribute('tabindex');
    return stops.map((one) => one.outerHTML.slice(0, 120));
  });
  /** @type {string[]} */
  const names = [];
  const came = new Set();
  /** @type {string | null | undefined} */
  let last;
  for (let presses = 0; presses < STOPS_MAX; presses += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const one = document.activeElement;
      if (one === null || one === document.body || one === document.documentElement) return null;
      const { left, right, top, bottom, width, height } = one.getBoundingClientRect();
      const { outlineStyle, outlineWidth } = getComputedStyle(one);
      return {
        at: one.getAttribute('data-stop'),
        name: one.getAttribute('aria-label') ?? one.textContent.trim(),
        isSeen: width > 0 && height > 0 && right > 0 && left < innerWidth && bottom > 0 && top < innerHeight,
        isMarked: outlineStyle !== 'none' && outlineWidth !== '0px',
      };
    });
    // A field of several parts has as many stops.
    if (stop !== null && stop.at === last) continue;
    if (stop === null || came.has(stop.at)) break;
    last = stop.at;
    expect(stop.isSeen, `the focus is on what is not in the window: ${stop.name}`);
    expect(stop.isMarked, `nothing marks what has the focus: ${stop.name}`);
    came.add(stop.at);
    names.push(stop.name);
  }
  same(
    all.filter((_, at) => !came.has(String(at))),
    [],
    'what the Tab key does not come to',
  );
  return names;
}
