/** A part of a pattern: any text, or a test for one character. */
type Token = '*' | ((character: string) => boolean);

/**
 * Whether a name matches a pattern: `*` any text, `?` any character, `[a-z]` and `[!a-z]` one character of a set,
 * anything else itself. Takes at most time proportional to the product of both lengths, where a regular expression with
 * many stars takes exponential time.
 */
export function wildcard(pattern: string): (name: string) => boolean {
  const tokens = parse(pattern);
  return (name) => {
    let [at, token] = [0, 0];
    // Index of the last star, and how far the text it matches extends so far.
    let [star, reached] = [-1, 0];
    while (at < name.length) {
      const current = tokens[token];
      if (current === '*') [star, reached] = [token++, at];
      else if (current?.(name[at]!)) [at, token] = [at + 1, token + 1];
      else if (star >= 0) [at, token] = [++reached, star + 1];
      else return false;
    }
    return tokens.slice(token).every((rest) => rest === '*');
  };
}

function parse(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    // A set ends at the first bracket after its first character.
    const isNegated = character === '[' && pattern[at + 1] === '!';
    const from = at + (isNegated ? 2 : 1);
    const end = character === '[' ? pattern.indexOf(']', from + 1) : -1;
    if (character === '*') {
      if (tokens.at(-1) !== '*') tokens.push('*');
    } else if (character === '?') tokens.push(() => true);
    else if (end > 0) {
      const isIn = set(pattern.slice(from, end));
      tokens.push((one) => isIn(one) !== isNegated);
      at = end;
    } else tokens.push((one) => one === character);
  }
  return tokens;
}

function set(text: string): (character: string) => boolean {
  const ranges: [string, string][] = [];
  for (let at = 0; at < text.length; at++) {
    const isRange = text[at + 1] === '-' && at + 2 < text.length;
    ranges.push([text[at]!, text[isRange ? at + 2 : at]!]);
    if (isRange) at += 2;
  }
  return (character) => ranges.some(([first, last]) => first <= character && character <= last);
}
