/** Milliseconds of CPU time of this process, all its threads together: what work costs whatever else the machine does. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;
export const percent = (value: number, digits = 1) => `${(100 * value).toFixed(digits)} %`;
