/** Columns and rows of a glyph; one empty column follows each. */
export const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 7;

// Drawn for this project (font.test.ts shows every glyph): a character, then its seven rows as digits of base 32, whose
// five bits are the dots.
const GLYPHS =
  '0ehjlphe14c4444e2eh1248v3u11e11u426aiv225vgu11he6egguhhe7v1244888ehhehhe9ehhf11eA4ahhvhhBuhhuhhuCfgggggf' +
  'DuhhhhhuEvgguggvFvggugggGfggnhhfHhhhvhhhIe44444eJ72222icKhikokihLggggggvMhrllhhhNhppljjhOehhhhhePuhhuggg' +
  'QehhhlidRuhhukihSfgge11uTv444444UhhhhhheVhhhhaa4WhhhllrhXhha4ahhYhha4444Zv1248gv 0000000.00000cc,0000c48' +
  ":0cc0cc0#aavavaa%pp248jj-000e000+044v440_000000v/11248gg(2488842)8422248=00v0v00!4444404?eh12404'4480000" +
  '"aa00000*0level0&cik8lid@ehnlmge';
// Small letters borrow the capitals, anything else is shown as a frame.
const UNKNOWN = 'vhhhhhv';

/** Columns that a text takes. */
export function textWidth(text: string): number {
  return Math.max(0, [...text.toUpperCase()].length * (GLYPH_WIDTH + 1) - 1);
}

/** Calls `fill` with every horizontal run of dots: its column, row and length. */
export function forEachRun(text: string, fill: (column: number, row: number, length: number) => void): void {
  let left = 0;
  for (const character of text.toUpperCase()) {
    const rows = rowsOf(character);
    for (let row = 0; row < GLYPH_HEIGHT; row++) {
      const dots = parseInt(rows[row]!, 32).toString(2).padStart(GLYPH_WIDTH, '0');
      for (const run of dots.matchAll(/1+/g)) fill(left + run.index, row, run[0].length);
    }
    left += GLYPH_WIDTH + 1;
  }
}

function rowsOf(character: string): string {
  for (let at = 0; at < GLYPHS.length; at += GLYPH_HEIGHT + 1) {
    if (GLYPHS[at] === character) return GLYPHS.slice(at + 1);
  }
  return UNKNOWN;
}
