/** Sides of a comparison as addresses: of one that somebody pastes, and of both the other way round. */
import { withQuery } from '$lib/api/client';
import { formatPlace, parsePlace, ticketOf, type OtherSide, type ReportPlace } from './place';

/** Why a text names no report here. */
export type NoReport = 'nothing' | 'elsewhere' | 'no report';

/** In words. */
export const NO_REPORT: Record<NoReport, string> = {
  nothing: 'Paste the link of a report, or its id.',
  elsewhere: 'This link leads to another site. Only reports of this relay can be compared with each other.',
  'no report': 'This is not the link of a report: it has /reports/ in it.',
};

/** Ids are short words. */
const ID = /^[\w-]{1,64}$/;

/**
 * The side that a text names, with the part that its link shows.
 *
 * @param origin where this page stands
 */
export function pastedSide(text: string, origin: string): OtherSide | NoReport {
  const trimmed = text.trim();
  if (trimmed === '') return 'nothing';
  if (ID.test(trimmed)) return { report: trimmed, attempt: null, span: null, ticket: null };
  let url: URL;
  try {
    // Without a scheme, as some browsers copy it.
    url = new URL(/^[a-z][a-z\d+.-]*:\/\/|^\//i.test(trimmed) ? trimmed : `//${trimmed}`, origin);
  } catch {
    return 'no report';
  }
  if (url.host !== new URL(origin).host) return 'elsewhere';
  const report = named(/^\/reports\/([^/]+)\/?$/.exec(url.pathname)?.[1]);
  if (report === null) return 'no report';
  const { attempt, span } = parsePlace(url.search);
  return { report, attempt: span === null ? attempt : null, span, ticket: ticketOf(url.search) };
}

function named(part: string | undefined): string | null {
  try {
    const id = decodeURIComponent(part ?? '');
    return ID.test(id) ? id : null;
  } catch {
    return null;
  }
}

/** The address of a comparison with its sides the other way round; `null` where there is nothing to compare with. */
export function swappedAddress(place: ReportPlace, id: string, ticket: string | null): string | null {
  const { other } = place;
  if (other === null) return null;
  const here = { report: id, attempt: place.attempt, span: place.span, ticket: other.ticket === null ? null : ticket };
  const swapped = { ...place, attempt: other.attempt, span: other.span, other: here };
  return addressOf(other.report, swapped, other.ticket ?? ticket);
}

/** The address of one side alone. */
export function sideAddress({ report, attempt, span, ticket }: OtherSide): string {
  return addressOf(report, { ...parsePlace(''), attempt, span }, ticket);
}

function addressOf(report: string, place: ReportPlace, ticket: string | null): string {
  return `/reports/${encodeURIComponent(report)}${formatPlace(place, withQuery('', { ticket }))}`;
}
