import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Application, Comment, LogLevel, ReflectionKind } from 'typedoc';
import { root, site } from './places.mjs';

/** Writes reference/api/: one page per package entry, from the doc comments of its sources. Fails on a broken link. */
export async function apiReference() {
  const out = join(site, 'reference', 'api');
  rmSync(out, { recursive: true, force: true });
  const entries = packageEntries();
  const app = await Application.bootstrapWithPlugins({
    entryPoints: entries.map(({ source }) => source),
    tsconfig: join(root, 'tsconfig.base.json'),
    compilerOptions: { types: ['node'], noEmit: true },
    skipErrorChecking: true,
    plugin: ['typedoc-plugin-markdown'],
    outputs: [{ name: 'markdown', path: out }],
    readme: 'none',
    name: 'API reference',
    excludePrivate: true,
    excludeInternal: true,
    disableSources: true,
    hidePageHeader: true,
    hideBreadcrumbs: true,
    outputFileStrategy: 'modules',
    entryFileName: 'index',
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    enumMembersFormat: 'table',
    useCodeBlocks: true,
    expandParameters: true,
    sort: ['source-order'],
    groupOrder: ['Functions', 'Interfaces', 'Type Aliases', 'Classes', 'Variables', '*'],
    logLevel: LogLevel.Error,
    validation: { notExported: false, invalidLink: true, rewrittenLink: false, notDocumented: false },
  });
  const project = await app.convert();
  if (!project || app.logger.hasErrors())
    throw new Error('Expected packages that typedoc can read but received errors; see above');
  for (const module of project.children ?? []) {
    const entry = entries.find(({ source }) => moduleName(source) === module.name);
    if (!entry) throw new Error(`Expected entries of packages but typedoc lists ${module.name}; check packageEntries`);
    module.name = entry.name;
    const page = entry.name.split('/')[1];
    module.comment ??= new Comment([{ kind: 'text', text: `[About the package](/packages/${page}).` }]);
  }
  sortByName(project);
  nameOptions(project);
  await app.generateOutputs(project);
  if (app.logger.hasErrors()) throw new Error('typedoc reported errors');
}

/** Entries and their symbols by name; members of a type stay in the order of the source. */
function sortByName(project) {
  for (const { children } of [project, ...project.children].flatMap(({ groups = [] }) => groups))
    children.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A destructured parameter has no name in the source. */
function nameOptions(project) {
  for (const parameter of project.getReflectionsByKind(ReflectionKind.Parameter))
    if (parameter.name === '__namedParameters') parameter.name = 'options';
}

/** Every public entry of every published package: its import name and its source. */
function packageEntries() {
  return readdirSync(join(root, 'packages'))
    .map((folder) => join(root, 'packages', folder))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .flatMap((folder) => {
      const { name, exports = {}, private: hidden } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (hidden) return [];
      return Object.entries(exports).flatMap(([subpath, target]) => {
        const source = target?.['@facedet/source'];
        return source ? [{ name: join(name, subpath), source: join(folder, source) }] : [];
      });
    });
}

/** How typedoc names the module of a source: its path below `packages`. */
function moduleName(source) {
  return relative(join(root, 'packages'), source).replace(/(\/index)?\.ts$/, '');
}
