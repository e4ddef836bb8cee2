const RENAMED: Readonly<Record<string, string>> = { '--clear': '--keep', '--thumbnails': '--gallery' };

/**
 * Arguments with today's names for the options that had other names in the release before; they are not listed in the
 * help.
 */
export function withCurrentNames(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.map((argument, at) => {
    const [name] = argument.split('=', 1) as [string];
    if ((end >= 0 && at > end) || !Object.hasOwn(RENAMED, name)) return argument;
    return RENAMED[name]! + argument.slice(name.length);
  });
}
