import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

const LENGTH = 120; // frames shown

/** One frame's times in milliseconds, and the rate. */
export interface FrameTimes {
  readonly detect: number;
  readonly track: number;
  readonly draw: number;
  readonly fps: number;
}

/** A live chart of milliseconds per stage and frames per second. */
export function createChart(host: HTMLElement) {
  const columns: number[][] = [[], [], [], [], []];
  const style = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let plot: uPlot | null = null;
  let painted = 0;

  function build(): void {
    plot?.destroy();
    const axis = {
      stroke: style('--soft'),
      grid: { stroke: style('--line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    const line = (label: string, stroke: string, scale = 'ms', dash: number[] = []) => ({
      label,
      stroke,
      scale,
      width: 1.5,
      dash,
      points: { show: false },
    });
    plot = new uPlot(
      {
        width: Math.max(host.clientWidth, 200),
        height: 190,
        cursor: { show: false },
        legend: { live: false },
        scales: {
          x: { time: false },
          ms: { range: (_u, _min, max) => [0, Math.max(max * 1.1, 10)] },
          fps: { range: (_u, _min, max) => [0, Math.max(max * 1.2, 10)] },
        },
        axes: [
          { ...axis, show: false },
          { ...axis, scale: 'ms', size: 38 },
          { ...axis, scale: 'fps', side: 1, size: 38, grid: { show: false } },
        ],
        series: [
          {},
          line('detect', style('--accent')),
          line('track', '#b7791f'),
          line('draw', '#7c5cd6'),
          line('fps', style('--soft'), 'fps', [4, 4]),
        ],
      },
      columns as uPlot.AlignedData,
      host,
    );
  }
  build();
  new ResizeObserver(() => plot?.setSize({ width: Math.max(host.clientWidth, 200), height: 190 })).observe(host);

  return {
    add({ detect, track, draw, fps }: FrameTimes): void {
      const next = (columns[0]!.at(-1) ?? 0) + 1;
      [next, detect, track, draw, fps].forEach((value, i) => {
        columns[i]!.push(value);
        if (columns[i]!.length > LENGTH) columns[i]!.shift();
      });
      // A chart that changes more often than ten times per second can't be read.
      if (performance.now() - painted < 100) return;
      painted = performance.now();
      plot?.setData(columns as uPlot.AlignedData);
    },
    /** Builds the chart again, after a change of colors. */
    build,
  };
}
