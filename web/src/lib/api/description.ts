/** What the API says of itself (OpenAPI), taken apart into what a page shows. Pure. */

/** A schema, as far as pages read it. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  default?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
}

interface Content {
  content?: Record<string, { schema?: Schema }>;
}

interface Answer extends Content {
  $ref?: string;
  description?: string;
  headers?: Record<string, unknown>;
}

interface Operation {
  operationId?: string;
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[];
  requestBody?: Content;
  responses: Record<string, Answer>;
  security?: Record<string, string[]>[];
}

/** The description as the relay serves it. */
export interface Description {
  info: { title: string; version: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; responses: Record<string, Answer> };
}

/** A piece of what a type is called: words, or the name of a schema. */
export type Piece = { words: string } | { schema: string };

/** A parameter, or a field of an object. */
export interface FieldView {
  name: string;
  /** Where a parameter stands; null of a field. */
  where: string | null;
  required: boolean;
  type: Piece[];
  text: string;
}

/** What is sent, or answered. */
export interface BodyView {
  /** In which form: a word, or its media type. */
  form: string;
  /** Empty where the form says all. */
  type: Piece[];
}

/** What a request may be answered. */
export interface AnswerView {
  status: string;
  text: string;
  body: BodyView | null;
  headers: string[];
}

/** One method of one address. */
export interface OperationView {
  id: string;
  method: string;
  path: string;
  summary: string;
  text: string;
  /** Whether a key is needed, and what it must be allowed; `session`: who asks must be signed in, and no key will do. */
  key: 'never' | 'if private' | 'always' | 'session';
  scopes: string[];
  /** Whether who is signed in needs none. */
  orSession: boolean;
  parameters: FieldView[];
  body: BodyView | null;
  answers: AnswerView[];
}

/** Operations that belong together. */
export interface GroupView {
  name: string;
  text: string;
  operations: OperationView[];
}

/** A schema with a name. */
export interface SchemaView {
  name: string;
  text: string;
  /** Where it is no object. */
  type: Piece[];
  fields: FieldView[];
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);

/** What the sides of a list of pieces are joined by. */
function joined(parts: Piece[][], by: string): Piece[] {
  return parts.flatMap((part, at) => (at === 0 ? part : [{ words: by }, ...part]));
}

/** In words what a schema allows. */
export function typeOf(schema: Schema | undefined): Piece[] {
  if (schema === undefined) return [];
  if (schema.$ref !== undefined) return [{ schema: nameOf(schema.$ref) }];
  if (schema.allOf !== undefined) return joined(schema.allOf.map(typeOf), ' and ');
  const either = schema.oneOf ?? schema.anyOf;
  if (either !== undefined && schema.type === undefined) return joined(either.map(typeOf), ' or ');
  if (schema.enum !== undefined) {
    const words = schema.enum.map(String).join(', ');
    return [{ words: `one of ${words}${withoutIt(schema)}` }];
  }
  const kinds = [schema.type ?? []].flat();
  if (kinds.length === 0) return [{ words: 'anything' }];
  return joined(
    kinds.map((kind) => ofKind(kind, schema)),
    ' or ',
  );
}

function ofKind(kind: string, schema: Schema): Piece[] {
  switch (kind) {
    case 'array': {
      const count = range(schema.minItems, schema.maxItems, 'entries');
      return [{ words: 'list of ' }, ...typeOf(schema.items ?? {}), ...(count === '' ? [] : [{ words: count }])];
    }
    case 'string': {
      const length = range(schema.minLength, schema.maxLength, 'characters');
      const pattern = schema.pattern === undefined ? '' : `, ${schema.pattern}`;
      return [{ words: `text${length}${pattern}${withoutIt(schema)}` }];
    }
    case 'integer':
      return [{ words: `whole number${range(schema.minimum, schema.maximum, '')}${withoutIt(schema)}` }];
    case 'number':
      return [{ words: `number${range(schema.minimum, schema.maximum, '')}${withoutIt(schema)}` }];
    case 'boolean':
      return [{ words: `true or false${withoutIt(schema)}` }];
    case 'null':
      return [{ words: 'null' }];
    default:
      return [{ words: kind }];
  }
}

const plain = (value: number): string =>
  Number.isSafeInteger(value) ? value.toLocaleString('en-US') : `${value < 0 ? '-' : ''}2^63`;

function range(low: number | undefined, high: number | undefined, of: string): string {
  const unit = of === '' ? '' : ` ${of}`;
  if (low !== undefined && high !== undefined) return `, ${plain(low)} to ${plain(high)}${unit}`;
  if (high !== undefined) return `, up to ${plain(high)}${unit}`;
  // That counts are not negative goes without saying.
  return low === undefined || low === 0 ? '' : `, from ${plain(low)}${unit}`;
}

function withoutIt(schema: Schema): string {
  return schema.default === undefined ? '' : `; ${String(schema.default)} without it`;
}

const FORMS = new Map([
  ['application/json', 'JSON'],
  ['application/x-www-form-urlencoded', 'Form'],
]);

function bodyOf(content: Content | undefined): BodyView | null {
  const [first] = Object.entries(content?.content ?? {});
  if (first === undefined) return null;
  const [media, { schema = {} }] = first;
  const form = FORMS.get(media);
  return form === undefined ? { form: media, type: [] } : { form, type: typeOf(schema) };
}

/** How who asks shows that he may. */
function keyOf(keys: Record<string, string[]>[]): OperationView['key'] {
  if (keys.length === 0) return 'never';
  if (keys.some((each) => Object.keys(each).length === 0)) return 'if private';
  return keys.some((each) => 'key' in each) ? 'always' : 'session';
}

function operation(path: string, method: string, held: Operation, whole: Description): OperationView {
  const keys = held.security ?? [];
  const answers = Object.entries(held.responses).map(([status, answer]): AnswerView => {
    const told = answer.$ref === undefined ? answer : (whole.components.responses[nameOf(answer.$ref)] ?? answer);
    // Those of every answer are told once, for all.
    const headers = Object.keys(told.headers ?? {}).filter((name) => !name.startsWith('X-'));
    return { status, text: told.description ?? '', body: bodyOf(told), headers };
  });
  return {
    id: held.operationId ?? `${method} ${path}`,
    method: method.toUpperCase(),
    path,
    summary: held.summary ?? '',
    text: held.description ?? '',
    key: keyOf(keys),
    scopes: keys.flatMap((each) => Object.values(each).flat()),
    orSession: keys.some((each) => 'session' in each),
    parameters: (held.parameters ?? []).map((parameter) => ({
      name: parameter.name,
      where: parameter.in,
      required: parameter.required === true,
      type: typeOf(parameter.schema),
      text: parameter.description ?? '',
    })),
    body: bodyOf(held.requestBody),
    answers: answers.sort((one, other) => one.status.localeCompare(other.status)),
  };
}

/** All operations, in the order of the description's groups, and in each by address. */
export function groupsOf(whole: Description): GroupView[] {
  const all = Object.entries(whole.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const held = item[method];
      return held === undefined ? [] : [{ tag: held.tags?.[0], view: operation(path, method, held, whole) }];
    }),
  );
  return (whole.tags ?? [])
    .map(({ name, description }) => ({
      name,
      text: description ?? '',
      operations: all.filter(({ tag }) => tag === name).map(({ view }) => view),
    }))
    .filter(({ operations }) => operations.length > 0);
}

/** A schema's own fields and those that it is put together of. */
function fieldsOf(schema: Schema): FieldView[] {
  const inner = (schema.allOf ?? []).filter((part) => part.$ref === undefined).flatMap(fieldsOf);
  const own = Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    name,
    where: null,
    required: schema.required?.includes(name) === true,
    type: typeOf(field),
    text: field.description ?? '',
  }));
  return [...own, ...inner];
}

/** All schemas, by name. */
export function schemasOf(whole: Description): SchemaView[] {
  return Object.entries(whole.components.schemas)
    .map(([name, schema]): SchemaView => {
      const fields = fieldsOf(schema);
      const others = (schema.allOf ?? []).filter((part) => part.$ref !== undefined);
      const type = fields.length === 0 ? typeOf(schema) : joined(others.map(typeOf), ' and ');
      return { name, text: schema.description ?? '', type, fields };
    })
    .sort((one, other) => one.name.localeCompare(other.name));
}

/** A piece of a text: words, or what stands between backticks. */
export interface Run {
  text: string;
  code: boolean;
}

/** The paragraphs of a text, each in runs. */
export function paragraphs(text: string): Run[][] {
  return text
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim() !== '')
    .map((paragraph) =>
      paragraph
        .split('`')
        .map((run, at) => ({ text: run, code: at % 2 === 1 }))
        .filter((run) => run.text !== ''),
    );
}
