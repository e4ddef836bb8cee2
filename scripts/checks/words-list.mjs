// Words and constructions that the project does not use, and what to write instead. Patterns are matched
// case-insensitively in code, comments, messages and documents; a line that matches `ignore` is no hit.
const COUNTED =
  'faces?|frames?|boxes|rows?|lines?|pictures?|images?|tracks?|detections?|ids|objects?|calls?|passes|errors?|files?|' +
  'samples?|pixels?|tiles?|points?|bytes|values?|megabytes|MB|MiB|times|runs?|numbers?|words?|rounds?|threads?|' +
  'sessions?|workers?|people|persons?|switches|crops?|thresholds?|seconds|milliseconds|ms';
const UNITS =
  'frame|second|image|picture|face|line|row|video|film|file|minute|hour|track|id|pixel|box|call|run|person|scene|' +
  'sequence|class|cell|anchor|tile|pass|model|thread|core|batch|chunk|round|point|input|channel|shot|clip|crop';
const NO_KIND = 'integer|number|model|file|picture|video|film|folder|array';

export const words = [
  {
    name: 'look at',
    pattern: /\blook(s|ed|ing)? (at|around|for faces|anew|again)\b/,
    say: 'run the detector on, detect, inspect, see',
  },
  { name: 'looked', pattern: /\b(looked|unlooked|looks? of)\b/, say: 'detectorRan, detected' },
  {
    name: 'distributive a',
    pattern: new RegExp(`\\b(?:${COUNTED}) an? (?:${UNITS})\\b`),
    say: 'per, as in "faces per frame"',
  },
  {
    name: 'frames a second',
    pattern: /\b(frames|pictures|times|crops|images) (a|each) second\b/,
    say: 'frames per second (fps)',
  },
  {
    name: 'bare decimal',
    pattern: /(?:^|[\s([{,:=<>–-])\.\d/m,
    say: '0.5, not .5',
    // Python's format of a number, as `{share:.3f}`.
    ignore: /:\.\d[efg]\}/,
  },
  { name: 'painted people', pattern: /\bpainted (people|person|faces?|scenes?|pictures?)\b/, say: 'synthetic people' },
  { name: 'flashes up', pattern: /\bflash(es)? up\b/, say: 'masks faces before their first detection' },
  {
    name: 'nobody',
    pattern: /\bnobody (looked|asked|gave|knows|has|is|was|can|reads?|would)\b/,
    say: 'name what does not happen',
  },
  { name: 'told', pattern: /\b(is|are|was|were|be|been|it is) told\b/, say: 'reported' },
  { name: 'tells', pattern: /\btells (of|which|how|what|whether|that|the)\b/, say: 'reports, returns, says' },
  {
    name: 'stands on',
    pattern: /\bstands? (on|upon|once|beside|there|here|for|alone|in the)\b/,
    say: 'depends on, is in, means',
  },
  { name: 'lies', pattern: /\b(lies?|lay|lying) (on|in|at|beside|there|here|under|next)\b/, say: 'is in, is at' },
  {
    name: 'the house',
    pattern: /\b(the|this|our) house\b|\bhouse rules?\b|\bfloors of\b/,
    say: 'the codebase, the dependency layers',
  },
  { name: 'mend', pattern: /\bmend(s|ed|ing)?\b/i, say: 'fix, repair, backfill' },
  { name: 'steady', pattern: /\b(un)?stead(y|ies|ied|ying|ily|iness)\b/, say: 'smooth, smoothed, stable' },
  { name: 'sight', pattern: /\bsight(s|ing|ings)?\b/, say: 'detection, frame detections' },
  { name: 'anew', pattern: /\banew\b/, say: 'again, start over' },
  {
    name: 'that is none',
    pattern: new RegExp(`\\bthat (is|are|was|were) (none|no)\\b|\\bis none\\b|\\bis no (${NO_KIND})\\b`),
    say: 'is not a …, invalid …',
    // Python's `is None`.
    ignore: /\bis None\b/,
  },
  { name: 'whoever', pattern: /\bwhoever\b|\bwho(so)?ever\b/, say: 'name the user or the caller' },
  {
    name: 'from … on',
    pattern: /\bfrom (this|that|\d[\d.]*|which|a score) (score )?on\b|\bof \.?\d[\d.]* on\b/,
    say: '"0.5 and above"',
  },
  { name: 'so many', pattern: /\bat most so many\b|\bso many of\b/, say: 'at most N' },
  { name: 'broken off', pattern: /\b(broken|breaks?|broke) off\b/, say: 'interrupted, aborted' },
  { name: 'hears of', pattern: /\bhears? of\b|\bheard of\b/, say: 'is reported to, receives' },
  { name: 'goes with whom', pattern: /\bwith whom\b|\bgoes with\b/, say: 'assignment' },
  { name: 'gives way', pattern: /\bgive(s)? way\b/, say: 'adapts to' },
  { name: 'lend', pattern: /\blen(d|ds|t) (itself|out)\b/, say: 'shares, passes' },
  { name: 'in vain', pattern: /\bin vain\b/, say: 'without effect' },
  { name: 'hair', pattern: /\bby a hair\b|\ba hair's\b/, say: 'barely' },
  { name: 'somebody', pattern: /\bsomebody else's\b|\beverybody\b/, say: 'another track, each person' },
  { name: 'commission', pattern: /\bthe commission\b/, say: 'nothing: public docs do not speak of it' },
  {
    name: 'identities',
    pattern: /\bidentit(y|ies)\b/,
    say: 'track IDs, tracks',
    // Layers of networks, HTTP's content coding, and the count `identities` of a summary.
    ignore: /\bnn\.Identity\b|["']identit(y|ies)["']|\bstatistics\.identities\b|\bidentities: (?:\d|number\b)/i,
  },
  { name: 'colour', pattern: /\bcolour/, say: 'color (American spelling, as in code)' },
  {
    name: 'British spelling',
    pattern: /\b(licen[c]es?|centre[sd]?|neighbour(s|ing)?|behaviours?|(anonym|recogn)is(e[ds]?|ing|ation))\b/,
    say: 'license, center, neighbor, behavior, -ize',
  },
  {
    name: 'clear faces',
    pattern: /--clear\b|\bleft clear\b|\bkept clear\b|\bwritten clear\b/,
    say: '--keep, keep visible',
  },
  {
    name: 'hide',
    pattern:
      /\bhid(e|es|ing|den) (a |the |all |every |its |their )?(faces?|face's|people|persons?|frames?|pictures?|whole)\b/,
    say: 'mask',
  },
  { name: 'as the tracker has', pattern: /\bas the tracker has\b|\bas it has them\b/, say: 'unsmoothed' },
  { name: 'for ever', pattern: /\bfor ever\b/, say: 'forever, without end' },
  {
    name: 'expected, received',
    pattern: /Expected [^`'"]*?, received\b|expected [^`'"]*?, got\b/,
    say: 'Expected … but received …',
  },
];

/** Lists of old names beside the new ones. */
const OLD_NAMES =
  /\/(migrate\.md|renamed-options(\.test)?\.ts|(names-of-the-field|eval-entries|landmarks-of-tracks)\.md)$/;

/** Places where a word is right: `file` and, where given, `line` must match. Each entry says why. */
export const allowed = [
  ...['identities', 'looked', 'clear faces'].map((word) => ({ word, file: OLD_NAMES })),
  // The count `identities` of a run's statistics, which `facedet video --json` prints.
  {
    word: 'identities',
    file: /^(packages\/(pipeline|video-node)|apps\/cli)\//,
    line: /[{,(] ?identities\b|\.identities\b|(?:get|readonly) identities\b|^ *identities[:,]/,
  },
  // Old names of options, and a coding of HTTP.
  { word: 'clear faces', file: /renamed-options\.test\.ts$/ },
  { word: 'identities', file: /^packages\/http\//, line: /accept-encoding/i },
];
