/** A relay by hand, for pages that change something: what it answers to what, and what it was asked. */

/** What an address answers; given the body, where one was sent. */
export type Answers = Record<string, (body: unknown) => Response>;

/** See the module. */
export class FakeRelay {
  /** "POST /api/v1/session", in turn. */
  readonly asked: string[] = [];
  /** The bodies of those that had one. */
  readonly bodies: unknown[] = [];

  /** @param answers by "METHOD path"; others are answered with 404 */
  constructor(readonly answers: Answers) {}

  readonly fetch = (url: string, init: RequestInit = {}): Promise<Response> => {
    const what = `${init.method ?? 'GET'} ${new URL(url, 'http://relay.example').pathname}`;
    const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : undefined;
    this.asked.push(what);
    if (body !== undefined) this.bodies.push(body);
    const answer = this.answers[what] ?? (() => fault(404, 'not_found', 'nothing is here'));
    return Promise.resolve(answer(body));
  };
}

/** An error in the shape that all have. */
export function fault(status: number, code: string, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ code, message }, { status, headers });
}

/** That it was done. */
export function done(): Response {
  return new Response(null, { status: 204 });
}
