/** IDs in ascending order as text: `1–4, 7, 9–12`; of very many, the first ranges and how many IDs follow. */
export function idRanges(ids: readonly number[], { maxRanges = 12 } = {}): string {
  const ranges = rangesOf(ids);
  const shown = ranges.slice(0, maxRanges);
  const named = shown.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const texts = shown.map(([first, last]) =>
    first === last ? `${first}` : last === first + 1 ? `${first}, ${last}` : `${first}–${last}`,
  );
  return texts.join(', ') + (named < ids.length ? ` and ${ids.length - named} more` : '');
}

/** The first and last ID of each run of consecutive IDs; IDs in ascending order. */
export function rangesOf(ids: readonly number[]): [first: number, last: number][] {
  const ranges: [number, number][] = [];
  for (const id of ids) {
    const range = ranges.at(-1);
    if (range && range[1] === id - 1) range[1] = id;
    else ranges.push([id, id]);
  }
  return ranges;
}
