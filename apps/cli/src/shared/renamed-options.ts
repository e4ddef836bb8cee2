const RENAMED: Readonly<Record<string, string>> = { '--clear': '--keep', '--thumbnails': '--gallery' };

/**
 * Replaces option names of the release before by their current names. The old names are hidden: the help does not list
 * them.
 */
export function withCurrentNames(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.map((argument, at) => {
    const [name] = argument.split('=', 1) as [string];
    if ((end >= 0 && at > end) || !Object.hasOwn(RENAMED, name)) return argument;
    return RENAMED[name]! + argument.slice(name.length);
  });
}
