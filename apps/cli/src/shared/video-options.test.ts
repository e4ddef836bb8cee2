import { describe, expect, it } from 'vitest';
import { createProgram } from '../program.ts';

/** The help text on one line. */
function help(name: string): string {
  return createProgram().commands.find((command) => command.name() === name)!.helpInformation().replace(/\s+/g, ' ');
}

describe('the help', () => {
  it('tells the defaults that each command has', () => {
    expect(help('detect')).toContain('lowest score of a face, 0 to 1 (default: 0.5)');
    expect(help('video')).toContain('lowest score of a face, 0 to 1 (default: 0.5)');
    expect(help('video')).toContain('(default: balanced)');
    expect(help('anonymize')).toContain('lowest score of a face, 0 to 1 (default: 0.2)');
    expect(help('anonymize')).toContain('(default: aggressive)');
  });

  it('offers to leave out sound only where there may be some', () => {
    expect(help('video')).toContain('--no-audio');
    expect(help('anonymize')).toContain('--no-audio');
    expect(help('synth')).not.toContain('--no-audio');
  });
});
