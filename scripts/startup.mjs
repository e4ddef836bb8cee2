#!/usr/bin/env node
// What starting the built command costs over starting Node: medians of turns taken one after the other.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './lib/workspace.mjs';

const turns = 25;
const programs = {
  node: ['-e', '0'],
  version: [join(root, 'apps', 'cli', 'dist', 'main.js'), '--version'],
  help: [join(root, 'apps', 'cli', 'dist', 'main.js'), '--help'],
};
const times = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
for (let i = 0; i < turns; i++) {
  for (const [name, args] of Object.entries(programs)) {
    const begin = performance.now();
    const { status } = spawnSync(process.execPath, args);
    if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`);
    times[name].push(performance.now() - begin);
  }
}
const median = (values) => [...values].sort((a, b) => a - b)[turns >> 1];
const node = median(times.node);
console.log(`node -e 0: ${node.toFixed(0)} ms`);
for (const name of ['version', 'help'])
  console.log(
    `facedet --${name}: ${median(times[name]).toFixed(0)} ms, ${(median(times[name]) - node).toFixed(0)} ms more`,
  );
