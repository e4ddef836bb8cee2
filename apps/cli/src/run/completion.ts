import type { Command, Option } from 'commander';
import type { Context } from '../shared/context.ts';

/** Prints a completion script made from the commands and options that are declared. */
export async function run(context: Context, _options: object, shell: 'bash' | 'zsh' | 'fish'): Promise<void> {
  const root = rootOf(context.command);
  const words = subcommands(root, []);
  await context.write({ bash, zsh, fish }[shell](words));
}

/** A command at its place: `['models', 'pull']`, what may follow it. */
interface Place {
  path: string[];
  description: string;
  commands: { name: string; description: string }[];
  options: { flags: string[]; description: string; choices: string[] }[];
  choices: string[];
}

function rootOf(command: Command): Command {
  return command.parent ? rootOf(command.parent) : command;
}

function subcommands(command: Command, path: string[]): Place[] {
  const visible = command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== 'help');
  const place: Place = {
    path,
    description: command.description(),
    commands: visible.map((child) => ({ name: child.name(), description: child.description() })),
    options: command
      .createHelp()
      .visibleOptions(command)
      .map((option: Option) => ({
        flags: [option.short, option.long].filter((flag) => flag !== undefined && flag !== null),
        description: option.description,
        choices: option.argChoices ?? [],
      })),
    choices: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
  };
  return [place, ...visible.flatMap((child) => subcommands(child, [...path, child.name()]))];
}

function bash(places: Place[]): string {
  const cases = places.map(({ path, commands, options, choices }) => {
    const words = [...commands.map(({ name }) => name), ...choices, ...options.flatMap(({ flags }) => flags)];
    return `    '${path.join(' ')}') words='${words.join(' ')}' ;;\n`;
  });
  return `# bash completion of facedet
_facedet() {
  local word path='' words='' known=' ${places
    .map(({ path }) => path.join('/'))
    .filter(Boolean)
    .join(' ')} '
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $known == *" \${path:+\${path// //}/}$word "* ]]; then path="\${path:+$path }$word"; fi
  done
  case "$path" in
${cases.join('')}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _facedet facedet
`;
}

function zsh(places: Place[]): string {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const spec = ({ name, description }: { name: string; description: string }) =>
    quote(`${name.replaceAll(':', '\\:')}:${description}`);
  const cases = places.map(({ path, commands, options, choices }) => {
    const words = [...commands, ...choices.map((name) => ({ name, description: '' }))];
    const flags = options.flatMap(({ flags: names, description }) => names.map((name) => ({ name, description })));
    return (
      `    ${quote(path.join(' '))}) words_here=(${words.map(spec).join(' ')}) ` +
      `options_here=(${flags.map(spec).join(' ')}) ;;\n`
    );
  });
  return `#compdef facedet
_facedet() {
  local -a words_here options_here
  local word at='' known=' ${places
    .map(({ path }) => path.join('/'))
    .filter(Boolean)
    .join(' ')} '
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ $known == *" \${at:+\${at// //}/}$word "* ]]; then at="\${at:+$at }$word"; fi
  done
  case "$at" in
${cases.join('')}  esac
  _describe 'facedet' words_here
  _describe -o 'option' options_here
  _files
}
if [ "$funcstack[1]" = "_facedet" ]; then _facedet "$@"; else compdef _facedet facedet; fi
`;
}

function fish(places: Place[]): string {
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = places.flatMap(({ path, commands, options, choices }) => {
    const others = commands.map(({ name }) => name).join(' ');
    const seen = path.map((name) => `__fish_seen_subcommand_from ${name}`);
    const condition =
      path.length === 0
        ? '__fish_use_subcommand'
        : [...seen, ...(others ? [`not __fish_seen_subcommand_from ${others}`] : [])].join('; and ');
    return [
      ...commands.map(
        ({ name, description }) =>
          `complete -c facedet -f -n ${quote(condition)} -a ${quote(name)} -d ${quote(description)}`,
      ),
      ...choices.map((name) => `complete -c facedet -f -n ${quote(condition)} -a ${quote(name)}`),
      ...options.map(({ flags, description, choices: values }) => {
        const names = flags
          .map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
          .join(' ');
        return (
          `complete -c facedet -n ${quote(condition)} ${names} -d ` +
          `${quote(description)}${values.length ? ` -x -a ${quote(values.join(' '))}` : ''}`
        );
      }),
    ];
  });
  return `# fish completion of facedet\n${lines.join('\n')}\n`;
}
