// Compares the public surface of every package entry with the report that is committed beside the package
// (`api/NAME.api.md`), so that a change to it is seen in review. `node scripts/check.mjs 'api reports' --update` writes
// new reports.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { pnpm, published } from '../lib/workspace.mjs';

/**
 * The check; with `update` it writes the reports instead. Builds first: the reports are made from built declarations.
 */
export async function apiReports({ update = false } = {}) {
  const built = await pnpm(['-s', 'build', '--filter=./packages/*']);
  if (built.code !== 0) return built;
  const problems = [];
  for (const { name, folder, manifest } of published()) {
    const entries = surfaces(folder, manifest);
    for (const [types, subpath] of entries) {
      const problem = compare({ folder, types, report: reportName(name, subpath), update });
      if (problem) problems.push(`${name} ${subpath}: ${problem}`);
    }
    const reports = new Set([...entries.values()].map((subpath) => reportName(name, subpath)));
    problems.push(...stale(join(folder, 'api'), reports, update).map((file) => `${name}: ${file} belongs to no entry`));
  }
  if (problems.length === 0) return { code: 0, output: '' };
  return {
    code: 1,
    output: `${problems.join('\n')}\nAfter a wanted change: node scripts/check.mjs 'api reports' --update`,
  };
}

/** A package's declaration files that export something, each with the first subpath that has it. */
function surfaces(folder, { exports = {} }) {
  const surfaces = new Map();
  for (const [subpath, target] of Object.entries(exports)) {
    if (!target?.types) continue;
    const types = join(folder, target.types);
    // A worker's entry is only run: its declarations are no module, and API Extractor stops at them.
    if (!surfaces.has(types) && /^export\b/m.test(readFileSync(types, 'utf8'))) surfaces.set(types, subpath);
  }
  return surfaces;
}

/** `@facedet/core/testing` → `facedet-core-testing.api.md`. */
function reportName(name, subpath) {
  return `${join(name, subpath).replace('@', '').replaceAll('/', '-')}.api.md`;
}

/** Writes or compares one report; returns what is wrong, or null. */
function compare({ folder, types, report, update }) {
  const reportFolder = join(folder, 'api');
  const temporary = join(folder, 'node_modules', '.cache', 'api');
  mkdirSync(reportFolder, { recursive: true });
  mkdirSync(temporary, { recursive: true });
  const messages = [];
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: types,
      newlineKind: 'lf',
      apiReport: {
        enabled: true,
        reportFileName: basename(report, '.api.md'),
        reportFolder,
        reportTempFolder: temporary,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'ES2022',
            module: 'ESNext',
            moduleResolution: 'bundler',
            lib: ['ES2023', 'DOM', 'ESNext.Disposable'],
            types: ['node'],
            skipLibCheck: true,
          },
        },
      },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'none' } },
        extractorMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
  });
  const result = Extractor.invoke(config, {
    localBuild: update,
    messageCallback(message) {
      message.handled = true;
      if (message.logLevel === ExtractorLogLevel.Error) messages.push(message.text);
    },
  });
  if (messages.length) return messages.join('; ');
  if (result.apiReportChanged && !update) return `the public surface differs from api/${report}`;
  return null;
}

/** Reports in a package's `api` folder that no entry has; with `update` they are deleted. */
function stale(folder, reports, update) {
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => !reports.has(file)) : [];
  if (update) for (const file of files) rmSync(join(folder, file));
  return update ? [] : files;
}
