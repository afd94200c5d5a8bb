import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { csvOf, tablesIn, tableText, textOf } from './copy-table';

beforeEach(() => {
  document.body.innerHTML = `
    <p id="above">Above</p>
    <table id="t">
      <thead><tr><th>#</th><th>Player</th><th><button>Damage<span>↓</span></button></th></tr></thead>
      <tbody><tr>
        <td>1</td>
        <th data-exact="Aeris"><div><span>WK</span> <button>Aeris</button> <span>Skyward</span></div></th>
        <td data-exact="4700000"><span title="4,700,000">4.7<span>m</span></span></td>
      </tr></tbody>
      <tbody><tr>
        <td>2</td><th data-exact="Tab  and&#10;line"><button>x</button></th><td data-exact="12">12</td>
      </tr></tbody>
    </table>`;
});
afterEach(() => {
  document.body.innerHTML = '';
});

const range = (from: Node, fromAt: number, to: Node, toAt: number): Range => {
  const made = document.createRange();
  made.setStart(from, fromAt);
  made.setEnd(to, toAt);
  return made;
};
const one = (selector: string): Element => {
  const found = document.querySelector(selector);
  if (found === null) throw new Error(`no ${selector}`);
  return found;
};

describe('a copied table', () => {
  it('is a line a row and a cell a column, with exact numbers', () => {
    const table = one('#t');
    expect(textOf(range(table, 0, table, table.childNodes.length))).toBe(
      '#\tPlayer\tDamage\n1\tAeris\t4700000\n2\tTab and line\t12',
    );
  });

  it('is the rows that were chosen, not the one whose edge was touched', () => {
    const [first, second] = document.querySelectorAll('tbody');
    if (first === undefined || second === undefined) throw new Error('two rows');
    expect(textOf(range(first, 0, second, 0))).toBe('1\tAeris\t4700000');
  });

  it('is as it reads where it is a part of one cell', () => {
    const name = one('tbody button').firstChild;
    if (name === null) throw new Error('a name');
    expect(textOf(range(name, 0, name, 3))).toBeNull();
  });

  it('is not what is copied where none was chosen', () => {
    const text = one('#above').firstChild;
    if (text === null) throw new Error('a text');
    expect(textOf(range(text, 0, text, 3))).toBeNull();
  });

  it('keeps what was chosen around it', () => {
    const text = textOf(range(document.body, 0, document.body, document.body.childNodes.length)) ?? '';
    expect(text).toContain('Above');
    expect(text).toContain('1\tAeris\t4700000\n2\t');
    expect(text).not.toContain('4.7');
  });
});

describe('what is taken along of a page', () => {
  it('is each row of its tables with exact numbers', () => {
    expect(tablesIn(document.body)).toEqual([
      ['#', 'Player', 'Damage'],
      ['1', 'Aeris', '4700000'],
      ['2', 'Tab and line', '12'],
    ]);
    expect(
      tableText([
        ['a', 'b'],
        ['1', '2'],
      ]),
    ).toBe('a\tb\n1\t2');
    expect(tablesIn(null)).toEqual([]);
  });

  it('is quoted where a comma, a quote or a line asks for it, and no formula', () => {
    const quoted = ['"a,b"', '"say ""x"QQ', '-12.5'].join(',').replace('QQ', '""');
    expect(csvOf([['a,b', 'say "x"', '-12.5']])).toBe(`${quoted}\r\n`);
    expect(csvOf([['=1+1', '@x', '-x', '–']])).toBe(`'=1+1,'@x,'-x,–\r\n`);
  });
});
