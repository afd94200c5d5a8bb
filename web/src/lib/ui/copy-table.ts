/**
 * What of a table goes to the clipboard: a line a row, a cell a column with tabs between, and exact numbers where the
 * page shows short ones (a cell says its exact value in `data-exact`).
 */

/** Copies tables of this page as such until the returned function is called. */
export function copyTables(): () => void {
  const copied = (event: ClipboardEvent): void => {
    const selection = getSelection();
    if (selection === null || selection.isCollapsed || selection.rangeCount === 0) return;
    const text = textOf(selection.getRangeAt(0));
    if (text === null || event.clipboardData === null) return;
    event.clipboardData.setData('text/plain', text);
    event.preventDefault();
  };
  document.addEventListener('copy', copied);
  return () => {
    document.removeEventListener('copy', copied);
  };
}

/** The text of a selection with its tables as lines of cells; `null` where it holds no more of one than a cell. */
export function textOf(range: Range): string | null {
  const within = elementOf(range.commonAncestorContainer);
  const table = within.closest('table');
  if (table !== null) {
    if (within.closest('td, th') !== null && within.closest('td, th')?.querySelector('table') === null) return null;
    const lines = linesOf(table, range);
    return lines.length === 0 ? null : lines.join('\n');
  }
  const tables = [...within.querySelectorAll('table')].filter((one) => range.intersectsNode(one));
  const lines = tables.filter(isOuter).map((one) => linesOf(one, range));
  if (lines.every((some) => some.length === 0)) return null;
  return around(range, lines);
}

/** What was selected before, between and after tables stays as it reads. */
function around(range: Range, tables: readonly string[][]): string {
  const copy = document.createElement('div');
  copy.append(range.cloneContents());
  const outer = [...copy.querySelectorAll('table')].filter(isOuter);
  for (const [at, one] of outer.entries()) {
    const text = document.createElement('pre');
    text.textContent = (tables[at] ?? []).join('\n');
    one.replaceWith(text);
  }
  // Its text is laid out as lines only where it is part of the page.
  copy.style.cssText = 'position:fixed;left:-10000px;width:2000px';
  document.body.append(copy);
  const text = copy.innerText;
  copy.remove();
  return text;
}

/** The rows of the tables in an element as they are shown; what a row unfolds to is not among them. */
export function tablesIn(element: Element | null): string[][] {
  const tables = [...(element?.querySelectorAll('table') ?? [])].filter(isOuter);
  return tables
    .flatMap((table) => [...table.rows])
    .filter((row) => row.querySelector('table') === null)
    .map((row) => [...row.cells].filter(isShown).map(valueOf))
    .filter((cells) => cells.length > 0);
}

/** Rows as text that spreadsheets take as cells. */
export function tableText(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => cells.join('\t')).join('\n');
}

/**
 * Rows as CSV (RFC 4180). What a spreadsheet would take for a formula begins with an apostrophe: names are what strangers
 * call themselves.
 */
export function csvOf(rows: readonly (readonly string[])[]): string {
  const cell = (value: string): string => {
    const safe = /^[=+\-@]/.test(value) && !/^-?\d+(\.\d+)?$/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((cells) => `${cells.map(cell).join(',')}\r\n`).join('');
}

function linesOf(table: HTMLTableElement, range: Range): string[] {
  return [...table.rows].flatMap((row) => {
    const inner = row.querySelector('table');
    if (inner !== null) return linesOf(inner, range);
    const cells = [...row.cells].filter((cell) => isShown(cell) && isIn(cell, range));
    return cells.length === 0 ? [] : [cells.map(valueOf).join('\t')];
  });
}

function valueOf(cell: HTMLTableCellElement): string {
  const value = cell.dataset['exact'] ?? cell.textContent;
  // Arrows of an order, line breaks of the source: not a value.
  return value.replace(/[↓↑]/g, '').replace(/\s+/g, ' ').trim();
}

/** Whether a selection holds something of a cell, not only its edge. */
function isIn(cell: HTMLTableCellElement, range: Range): boolean {
  if (!range.intersectsNode(cell)) return false;
  const own = document.createRange();
  own.selectNodeContents(cell);
  const common = document.createRange();
  const startsLater = range.compareBoundaryPoints(Range.START_TO_START, own) > 0;
  const endsEarlier = range.compareBoundaryPoints(Range.END_TO_END, own) < 0;
  const [from, to] = [startsLater ? range : own, endsEarlier ? range : own];
  common.setStart(from.startContainer, from.startOffset);
  common.setEnd(to.endContainer, to.endOffset);
  return !common.collapsed && (common.toString() !== '' || cell.textContent === '');
}

/** Columns that a narrow page leaves out are not copied either. */
function isShown(cell: HTMLElement): boolean {
  return typeof cell.checkVisibility !== 'function' || cell.checkVisibility();
}

/** Whether a table stands in no other one. */
function isOuter(table: HTMLTableElement): boolean {
  return (table.parentElement?.closest('table') ?? null) === null;
}

function elementOf(node: Node): Element {
  return node instanceof Element ? node : (node.parentElement ?? document.body);
}
