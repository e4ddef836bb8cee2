// Compares the public surface of every package entry with the report that is committed beside the package
// (`api/NAME.api.md`), so that a change to it is seen in review. `node scripts/check.mjs api --update` writes new ones.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { published } from '../lib/workspace.mjs';

/** Packages whose types are only bundled: a report shows their types as part of the package that uses them. */
const BUNDLED = ['@facedet/checks', '@facedet/files'];

export async function apiReports({ update = false } = {}) {
  const problems = [];
  for (const { name, folder, manifest } of published()) {
    const entries = Object.entries(manifest.exports ?? {}).filter(([, target]) => target?.types);
    const reports = new Set();
    for (const [subpath, { types }] of entries) {
      const report = `${['facedet', ...name.replace(/^@facedet\//, '').split('/'), ...subpath.split('/').slice(1)].join('-')}.api.md`;
      reports.add(report);
      const problem = compare({ folder, types: join(folder, types), report, update });
      if (problem) problems.push(`${name} ${subpath}: ${problem}`);
    }
    problems.push(...stale(join(folder, 'api'), reports, update).map((file) => `${name}: ${file} belongs to no entry`));
  }
  if (problems.length === 0) return { code: 0, output: '' };
  return { code: 1, output: `${problems.join('\n')}\nAfter a wanted change: node scripts/check.mjs api --update` };
}

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
      bundledPackages: BUNDLED,
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

function stale(folder, reports, update) {
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => !reports.has(file)) : [];
  if (update) for (const file of files) rmSync(join(folder, file));
  return update ? [] : files;
}
