import { describe, expect, it } from 'vitest';
import text from '../../../../docs/openapi.json?raw';
import { groupsOf, paragraphs, schemasOf, typeOf, type Description, type Piece } from './description';

const whole = JSON.parse(text) as Description;
const words = (type: Piece[]): string => type.map((piece) => ('schema' in piece ? piece.schema : piece.words)).join('');

describe('the description of the API', () => {
  it('has each operation once, with what it takes and answers', () => {
    const operations = groupsOf(whole).flatMap((group) => group.operations);
    expect(operations.length).toBe(Object.values(whole.paths).flatMap((item) => Object.keys(item)).length);
    expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length);
    const report = operations.find(({ id }) => id === 'report');
    expect(report?.key).toBe('if private');
    expect(report?.parameters.map(({ name }) => name)).toEqual(['reportId', 'from', 'to', 'ticket', 'If-None-Match']);
    const statuses = report?.answers.map(({ status }) => status) ?? [];
    expect(statuses).toEqual([...statuses].sort());
    expect(statuses).toEqual(expect.arrayContaining(['200', '304', '404', '409', '429']));
    expect(report?.answers.find(({ status }) => status === '429')?.headers).toEqual(['Retry-After']);
    const upload = operations.find(({ id }) => id === 'uploadEncounters');
    expect([upload?.key, upload?.scopes, words(upload?.body?.type ?? [])]).toEqual([
      'always',
      ['upload'],
      'EncounterUpload',
    ]);
    const exported = operations.find(({ id }) => id === 'exportPlayer');
    expect([exported?.key, exported?.body?.form]).toEqual(['session', 'JSON']);
    expect(exported?.answers[0]?.body).toEqual({ form: 'application/zstd', type: [] });
    const shown = operations.find(({ id }) => id === 'deleteRaid');
    expect([shown?.key, shown?.scopes, shown?.orSession]).toEqual(['always', ['manage'], true]);
    // Who needs a key is told for what.
    expect(operations.filter(({ key, scopes }) => key === 'always' && scopes.length === 0)).toEqual([]);
  });

  it('names no schema that is not there', () => {
    const schemas = schemasOf(whole);
    const names = new Set(schemas.map(({ name }) => name));
    const types = [
      ...schemas.flatMap(({ type, fields }) => [type, ...fields.map((field) => field.type)]),
      ...groupsOf(whole).flatMap(({ operations }) =>
        operations.flatMap(({ body, answers }) =>
          [body, ...answers.map((one) => one.body)].map((one) => one?.type ?? []),
        ),
      ),
    ];
    const named = types.flat().flatMap((piece) => ('schema' in piece ? [piece.schema] : []));
    expect(named.filter((name) => !names.has(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(50);
    expect(schemas.filter(({ type, fields }) => type.length === 0 && fields.length === 0)).toEqual([]);
  });
});

describe('a type in words', () => {
  it('says what is allowed', () => {
    expect(words(typeOf({ type: ['integer', 'null'], minimum: 0, maximum: 9007199254740991 }))).toBe(
      'whole number, 0 to 9,007,199,254,740,991 or null',
    );
    expect(words(typeOf({ type: 'integer', minimum: 1, maximum: 100, default: 50 }))).toBe(
      'whole number, 1 to 100; 50 without it',
    );
    expect(words(typeOf({ type: 'array', items: { $ref: '#/components/schemas/Boss' }, maxItems: 3 }))).toBe(
      'list of Boss, up to 3 entries',
    );
    expect(words(typeOf({ oneOf: [{ type: 'null' }, { $ref: '#/components/schemas/Boss' }] }))).toBe('null or Boss');
    expect(words(typeOf({ type: 'string', enum: ['a', 'b'] }))).toBe('one of a, b');
    expect(words(typeOf({}))).toBe('anything');
  });
});

describe('a text', () => {
  it('has paragraphs, and code between backticks', () => {
    expect(paragraphs('One `two`.\n\nThree.')).toEqual([
      [
        { text: 'One ', code: false },
        { text: 'two', code: true },
        { text: '.', code: false },
      ],
      [{ text: 'Three.', code: false }],
    ]);
    expect(paragraphs('')).toEqual([]);
  });
});
