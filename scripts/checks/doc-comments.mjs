import { join, relative } from 'node:path';
import ts from 'typescript';
import { published, root } from '../lib/workspace.mjs';

/** Every symbol that a package exports, and every public method of an exported class, has a doc comment. */
export async function docComments() {
  const entries = published().flatMap(({ folder, manifest }) =>
    Object.values(manifest.exports ?? {}).flatMap((target) =>
      target['@facedet/source'] ? [join(folder, target['@facedet/source'])] : [],
    ),
  );
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(entries, { ...options, types: ['node'] });
  const checker = program.getTypeChecker();
  const missing = new Set();
  const documented = (symbol) => symbol.getDocumentationComment(checker).length > 0;
  const place = (symbol) => {
    const node = symbol.declarations?.[0];
    if (!node) return '?';
    const file = node.getSourceFile();
    return `${relative(root, file.fileName)}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
  };
  let count = 0;
  for (const entry of entries) {
    const source = program.getSourceFile(entry);
    const module = source && checker.getSymbolAtLocation(source);
    for (const exported of module ? checker.getExportsOfModule(module) : []) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      count++;
      if (!documented(symbol) && !documented(exported)) missing.add(`${place(symbol)}: ${symbol.name}`);
      if (!(symbol.flags & ts.SymbolFlags.Class)) continue;
      for (const member of symbol.members?.values() ?? []) {
        const method = member.flags & ts.SymbolFlags.Method;
        const hidden = ts.getCombinedModifierFlags(member.declarations?.[0] ?? source) & ts.ModifierFlags.Private;
        if (method && !hidden && !member.name.startsWith('__') && !documented(member))
          missing.add(`${place(member)}: ${symbol.name}.${member.name}`);
      }
    }
  }
  if (count === 0) return { code: 1, output: 'found no exported symbol: the entries can not be read' };
  return { code: missing.size ? 1 : 0, output: [...missing].sort().join('\n') };
}
