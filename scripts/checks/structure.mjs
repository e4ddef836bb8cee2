// Lines over 120 columns and import cycles. Functions over 80 lines and long parameter lists are ESLint's part.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cruise } from 'dependency-cruiser';
import { packages, root } from '../lib/workspace.mjs';

const MAX_COLUMNS = 120;
const CODE = /\.(ts|mts|js|mjs|cjs|jsx|tsx|css)$/;
const GENERATED = /(^|\/)(fixtures|public|dist)\//;

export async function structure() {
  const problems = [...longLines(), ...(await cycles())];
  return { code: problems.length ? 1 : 0, output: problems.join('\n') };
}

function longLines() {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0');
  return files
    .filter((file) => CODE.test(file) && !GENERATED.test(file))
    .flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          line.length > MAX_COLUMNS ? [`${file}:${index + 1}: ${line.length} columns, at most ${MAX_COLUMNS}`] : [],
        ),
    );
}

async function cycles() {
  const sources = packages()
    .map(({ folder }) => join(folder, 'src'))
    .filter(existsSync);
  const { output } = await cruise(sources, {
    ruleSet: { forbidden: [{ name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } }] },
    validate: true,
    // Types count too: two files that need each other's types are one idea in two files.
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|node_modules)/' },
    baseDir: root,
  });
  const found = output.summary.violations.map(({ cycle }) => cycle.map(({ name }) => name));
  const distinct = new Map(found.map((names) => [[...names].sort().join(' '), names]));
  return [...distinct.values()].map((names) => `import cycle: ${[...names, names[0]].join(' → ')}`);
}
