/** What is drawn over a chart's lines, and how. Times are seconds since the fight's first combat event. */
import type uPlot from 'uplot';

/** Marks of a fight. */
export interface Marks {
  /** `null`: not known. */
  deaths: readonly number[] | null;
  /** `to` is infinite of the one that goes on: with it the picture would be another with every figure. */
  attempts: readonly { index: number; from: number; to: number }[];
  /** The span that the tables show; `null` for all. */
  span: { from: number; to: number } | null;
}

/** Colours that marks are drawn in. */
export interface MarkColors {
  band: string;
  edge: string;
  death: string;
  label: string;
  veil: string;
}

/** Behind the lines: every other attempt is shaded, each has its number. */
export function drawBands(plot: uPlot, marks: Marks, colors: MarkColors): void {
  if (marks.attempts.length < 2) return;
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textBaseline = 'top';
  for (const [at, attempt] of marks.attempts.entries()) {
    const [from, to] = clip(plot, attempt.from, attempt.to);
    if (to <= from) continue;
    if (at % 2 === 1) {
      ctx.fillStyle = colors.band;
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
    }
    ctx.fillStyle = colors.edge;
    ctx.fillRect(from, bbox.top, devicePixelRatio, bbox.height);
    ctx.fillStyle = colors.label;
    if (to - from > 24 * devicePixelRatio) {
      ctx.fillText(String(attempt.index), from + 5 * devicePixelRatio, bbox.top + 3 * devicePixelRatio);
    }
  }
  ctx.restore();
}

/** Over the lines: deaths as crosses at the top with a line down, and a veil on what is outside of the span. */
export function drawMarks(plot: uPlot, marks: Marks, colors: MarkColors): void {
  const { ctx, bbox } = plot;
  ctx.save();
  const r = 3.5 * devicePixelRatio;
  const y = bbox.top + r + 3 * devicePixelRatio;
  // The last line's dashes are still set.
  ctx.setLineDash([]);
  ctx.strokeStyle = colors.death;
  ctx.fillStyle = colors.death;
  ctx.lineWidth = 1.75 * devicePixelRatio;
  for (const death of marks.deaths ?? []) {
    const x = plot.valToPos(death, 'x', true);
    if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) continue;
    ctx.globalAlpha = 0.35;
    ctx.fillRect(x - devicePixelRatio / 2, y + r, devicePixelRatio, bbox.top + bbox.height - y - r);
    ctx.globalAlpha = 1;
    ctx.beginPath();
    ctx.moveTo(x - r, y - r);
    ctx.lineTo(x + r, y + r);
    ctx.moveTo(x - r, y + r);
    ctx.lineTo(x + r, y - r);
    ctx.stroke();
  }
  if (marks.span !== null) {
    const [from, to] = clip(plot, marks.span.from, marks.span.to);
    ctx.fillStyle = colors.veil;
    ctx.fillRect(bbox.left, bbox.top, from - bbox.left, bbox.height);
    ctx.fillRect(to, bbox.top, bbox.left + bbox.width - to, bbox.height);
  }
  ctx.restore();
}

function clip(plot: uPlot, from: number, to: number): [number, number] {
  const { left, width } = plot.bbox;
  const at = (value: number): number =>
    value === Infinity ? left + width : Math.min(left + width, Math.max(left, plot.valToPos(value, 'x', true)));
  return [at(from), at(to)];
}
