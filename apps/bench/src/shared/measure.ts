import { availableParallelism, cpus, loadavg } from 'node:os';

/**
 * Milliseconds of CPU time of this process, all its threads together: what work costs whatever else the machine does.
 */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** What figures were measured on, and its load over the last minute. */
export const machine = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  node: process.versions.node,
  load: loadavg()[0]!,
});

export const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;
export const percent = (value: number, digits = 1) => `${(100 * value).toFixed(digits)} %`;
