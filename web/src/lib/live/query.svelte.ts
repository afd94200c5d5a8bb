/** The place of a page, as a Svelte class that keeps the address in step. */
import { formatPlace, parsePlace, type ReportPlace } from './place';

/** The page's place, kept with its address. */
export class PageQuery {
  place = $state.raw<ReportPlace>(parsePlace(location.search));

  /** Goes to another place. A span, a comparison or a replay is a step that Back undoes; the rest is not. */
  go(change: Partial<ReportPlace>): void {
    const next = { ...this.place, ...change };
    const url = `${location.pathname}${formatPlace(next, location.search)}`;
    const [was, is] = [this.place, next];
    const step =
      is.attempt !== was.attempt ||
      is.span !== was.span ||
      is.other !== was.other ||
      (is.at === null) !== (was.at === null);
    this.place = next;
    try {
      if (step) history.pushState(null, '', url);
      else history.replaceState(null, '', url);
    } catch {
      // A page that was opened as a file may not be let change its address: then it shows the place, and no link names it.
    }
  }

  /** Follows Back and Forward until the returned function is called. */
  follow(): () => void {
    const popped = (): void => {
      this.place = parsePlace(location.search);
    };
    window.addEventListener('popstate', popped);
    return () => {
      window.removeEventListener('popstate', popped);
    };
  }
}
