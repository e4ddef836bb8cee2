import { trackColor } from '@facedet/draw';

/** When one track was present. */
export interface Presence {
  readonly id: number;
  readonly first: number;
  last: number;
  frames: number;
  /** Spans of seconds in which it was seen. */
  readonly spans: [number, number][];
}

const WINDOW = 30; // seconds shown

const css = (id: number) => `rgb(${trackColor(id).join(' ')})`;

/** Who was there when: one bar per track over the last half minute, and a table that screen readers can read. */
export function createTimeline(canvas: HTMLCanvasElement, rows: HTMLTableSectionElement) {
  const seen = new Map<number, Presence>();
  let now = 0;
  let drawn = 0;

  function paint(): void {
    const ratio = devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== width * ratio || canvas.height !== height * ratio)
      [canvas.width, canvas.height] = [width * ratio, height * ratio];
    const ctx = canvas.getContext('2d')!;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, width, height);
    const start = Math.max(now - WINDOW, 0);
    const shown = [...seen.values()].filter((p) => p.last >= start).slice(-12);
    const step = Math.min(20, height / Math.max(shown.length, 1));
    const soft = getComputedStyle(canvas).getPropertyValue('--soft');
    ctx.font = '11px system-ui, sans-serif';
    ctx.textBaseline = 'middle';
    shown.forEach((p, i) => {
      const y = i * step;
      ctx.fillStyle = soft;
      ctx.fillText(String(p.id), 0, y + step / 2);
      ctx.fillStyle = css(p.id);
      for (const [from, to] of p.spans) {
        const x = 28 + ((Math.max(from, start) - start) / WINDOW) * (width - 28);
        const end = 28 + ((to - start) / WINDOW) * (width - 28);
        if (to >= start) ctx.fillRect(x, y + 3, Math.max(end - x, 2), Math.max(step - 6, 2));
      }
    });
  }

  function list(): void {
    rows.replaceChildren(
      ...[...seen.values()]
        .slice(-50)
        .reverse()
        .map((p) => {
          const row = document.createElement('tr');
          const mark = document.createElement('i');
          mark.style.background = css(p.id);
          const cells = [String(p.id), `${p.first.toFixed(1)} s`, `${p.last.toFixed(1)} s`, String(p.frames)].map(
            (text) => Object.assign(document.createElement('td'), { textContent: text }),
          );
          cells[0]!.prepend(mark);
          row.append(...cells);
          return row;
        }),
    );
  }

  return {
    add(ids: readonly number[], time: number): void {
      now = time;
      for (const id of ids) {
        const p = seen.get(id) ?? { id, first: time, last: time, frames: 0, spans: [[time, time]] };
        const span = p.spans.at(-1)!;
        if (time - span[1] < 0.5) span[1] = time;
        else p.spans.push([time, time]);
        if (p.spans.length > 200) p.spans.shift();
        p.last = time;
        p.frames++;
        seen.set(id, p);
      }
      if (seen.size > 500) seen.delete(seen.keys().next().value!);
      if (performance.now() - drawn < 250) return;
      drawn = performance.now();
      paint();
      list();
    },
    paint,
    reset() {
      seen.clear();
      now = 0;
      paint();
      list();
    },
  };
}
