/** IDs in ascending order as text: `1–4, 7, 9–12`; of very many, the first ranges and how many IDs follow. */
export function idRanges(ids: readonly number[], { maxRanges = 12 } = {}): string {
  const ranges: { first: number; last: number }[] = [];
  for (const id of ids) {
    const range = ranges.at(-1);
    if (range && range.last === id - 1) range.last = id;
    else ranges.push({ first: id, last: id });
  }
  const shown = ranges.slice(0, maxRanges);
  const named = shown.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const texts = shown.map(({ first, last }) =>
    first === last ? `${first}` : last === first + 1 ? `${first}, ${last}` : `${first}–${last}`,
  );
  return texts.join(', ') + (named < ids.length ? ` and ${ids.length - named} more` : '');
}
