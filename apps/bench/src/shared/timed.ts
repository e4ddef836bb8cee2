import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';

/**
 * Runs a command: what it prints, its wall and CPU time in seconds, and the part of the machine that other work took.
 */
export function timed(
  command: string,
  args: readonly string[],
): { stdout: string; wall: number; cpu: number; others: number } {
  // The shell's `times` prints the CPU time of what it ran; Node only has the sum over all its children.
  const busy = busySeconds();
  const begin = performance.now();
  const { stdout, stderr, status } = spawnSync(
    'sh',
    ['-c', '"$@"; code=$?; times >&2; exit $code', 'sh', command, ...args],
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  const wall = (performance.now() - begin) / 1000;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${status}\n${stderr}`);
  const children = stderr
    .trim()
    .split('\n')
    .at(-1)!
    .match(/[\d.]+/g)!
    .map(Number); // 0m1.5s 0m0.2s
  const cpu = children[0]! * 60 + children[1]! + children[2]! * 60 + children[3]!;
  return { stdout, wall, cpu, others: Math.max(0, busySeconds() - busy - cpu) / (availableParallelism() * wall) };
}

/** Seconds that all cores together have worked since the machine started. */
function busySeconds(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + (user + nice + sys + irq) / 1000, 0);
}
