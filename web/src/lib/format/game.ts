/** Classes and specs of the game as pages show them: names, a short mark, colours that can be read on. */
import { CLASSES, SPECS } from '$lib/wire/game';
import type { Role } from '$lib/wire/types';

/** How a player's class is shown. */
export interface ClassLook {
  /** "Stormblade", or "Unknown class". */
  className: string;
  /** "Iaido"; `null` where not known. */
  specName: string | null;
  /** What the spec is for; `null` where not known. */
  role: Role | null;
  /** Two letters. */
  mark: string;
  /** `#rrggbb`. */
  color: string;
  /** Text on that colour: dark on light colours, white on dark ones. */
  ink: '#10131a' | '#ffffff';
}

const UNKNOWN_COLOR = '#7d8590';

/** Looks that were asked for: a table asks for the same ones with every figure. */
const looks = new Map<string, ClassLook>();

/** The look of a class and spec, always the same object; the spec alone gives its class too. */
export function classLook(classId: number | null, specId: number | null): ClassLook {
  const key = `${classId} ${specId}`;
  let look = looks.get(key);
  if (look === undefined) {
    look = lookOf(classId, specId);
    looks.set(key, look);
  }
  return look;
}

function lookOf(classId: number | null, specId: number | null): ClassLook {
  const spec = SPECS.find((spec) => spec.id === specId) ?? null;
  const found = CLASSES.find((known) => known.id === (classId ?? spec?.classId));
  const color = found?.color ?? UNKNOWN_COLOR;
  return {
    className: found?.name ?? 'Unknown class',
    specName: spec?.name ?? null,
    role: spec?.role ?? null,
    mark: found ? initials(found.name) : '?',
    color,
    ink: inkOn(color),
  };
}

function initials(name: string): string {
  const words = name.split(' ');
  return words.length > 1 ? words.map((word) => word.charAt(0)).join('') : name.slice(0, 2);
}

/** The ink with the better contrast on a colour. */
export function inkOn(color: string): '#10131a' | '#ffffff' {
  const dark = '#10131a';
  return contrast(color, dark) >= contrast(color, '#ffffff') ? dark : '#ffffff';
}

/** WCAG contrast of two `#rrggbb`, 1 to 21. */
export function contrast(a: string, b: string): number {
  const [one, two] = [luminance(a), luminance(b)];
  return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
}

function luminance(color: string): number {
  const part = (at: number): number => {
    const value = parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}

/** A role in a word. */
export const ROLES: Record<Role, string> = { damage: 'Damage', healer: 'Healer', tank: 'Tank' };
