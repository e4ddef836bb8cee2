/// <reference types="node" />
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { combineMot, evaluateMot } from './evaluate.ts';
import { parseSequenceInfo } from './sequence-info.ts';
import { parseMotRows } from './track-rows.ts';

const data = join(dirname(fileURLToPath(import.meta.url)), '../../../../../shared/mot/trackeval');
const hasData = existsSync(data);
if (!hasData)
  console.warn('skipped: the comparison with TrackEval needs ../shared/mot/trackeval beside the repository');

/** The rows of the official CSV by name, then column. */
function official(): Map<string, Map<string, number>> {
  const [head = '', ...rows] = readFileSync(join(data, 'pedestrian_detailed.csv'), 'utf8').trim().split('\n');
  const names = head.trim().split(',');
  return new Map(
    rows
      .map((row) => row.trim().split(','))
      .map((cells) => [cells[0]!, new Map(cells.slice(1).map((cell, k) => [names[k + 1]!, Number(cell)]))]),
  );
}

function evaluate(name: string) {
  const read = (file: string) => readFileSync(join(data, name, file), 'utf8');
  const { length } = parseSequenceInfo(read('seqinfo.ini'), 'seqinfo.ini');
  return evaluateMot({
    truth: parseMotRows(read('gt.txt'), 'gt.txt'),
    tracks: parseMotRows(read('tracker.txt'), 'tracker.txt'),
    length: length!,
  });
}

/** A metric by its column in the CSV: `HOTA___45` is HOTA at 0.45, `HOTA___AUC` the mean over thresholds. */
function valueOf(metrics: ReturnType<typeof evaluate>, column: string): number {
  const [name = '', at] = column.split('___');
  if (at === undefined) return metrics[name as 'HOTA'];
  const curve = metrics.curves[name as 'HOTA'];
  return at === 'AUC' ? curve.reduce((a, b) => a + b, 0) / curve.length : curve[Number(at) / 5 - 1]!;
}

describe('evaluateMot', () => {
  it.skipIf(!hasData).each(['MOT17-02-FRCNN', 'MOT17-05-FRCNN', 'MOT17-09-FRCNN'])(
    'agrees with TrackEval in every column for %s, to 1e-9 [needs ../shared]',
    (name) => {
      const metrics = evaluate(name);
      const columns = official().get(name)!;
      expect(columns.size).toBeGreaterThan(250);
      const deviations = [...columns].filter(
        ([column, value]) => !(Math.abs(valueOf(metrics, column) - value) <= 1e-9),
      );
      expect(deviations).toEqual([]);
    },
  );

  it.skipIf(!hasData)('combines sequences as TrackEval does [needs ../shared]', () => {
    const all = combineMot(['MOT17-02-FRCNN', 'MOT17-05-FRCNN', 'MOT17-09-FRCNN'].map(evaluate));
    expect(all.HOTA).toBeCloseTo(0.5926493583, 9);
    expect(all.MOTA).toBeCloseTo(0.8327547611, 9);
    expect(all.IDF1).toBeCloseTo(0.6482695994, 9);
    expect([all.IDSW, all.Frag, all.MT, all.PT, all.ML]).toEqual([257, 245, 162, 45, 14]);
  });

  const truth = '1,1,0,0,10,10,1\n2,1,0,0,10,10,1\n3,1,0,0,10,10,1\n4,1,0,0,10,10,1\n';

  it('is perfect where the tracks equal the ground truth', () => {
    const metrics = evaluateMot({ truth: parseMotRows(truth, 'gt.txt'), tracks: parseMotRows(truth, 'tracks.txt') });
    expect(metrics).toMatchObject({ MOTA: 1, MOTP: 1, IDF1: 1, HOTA: 1, IDSW: 0, Frag: 0, MT: 1, FP_per_frame: 0 });
  });

  it('counts an ID switch, an interruption and a false positive', () => {
    const tracks = '1,7,0,0,10,10,0.9\n3,8,0,0,10,10,0.9\n4,8,0,0,10,10,0.9\n4,9,50,50,10,10,0.9\n';
    const metrics = evaluateMot({ truth: parseMotRows(truth, 'gt.txt'), tracks: parseMotRows(tracks, 'tracks.txt') });
    // Frame 2 has no tracks: for TrackEval, a frame without tracks interrupts no match.
    expect(metrics).toMatchObject({ CLR_TP: 3, CLR_FN: 1, CLR_FP: 1, IDSW: 1, Frag: 0, IDTP: 2, MOTA: 0.25 });
  });

  it('removes tracks that match a distractor, and ground truth with score 0', () => {
    const classes = '1,1,0,0,10,10,1,1,1\n1,2,20,0,10,10,1,8,1\n1,3,40,0,10,10,0,1,1\n';
    const tracks = '1,1,0,0,10,10,1\n1,2,20,0,10,10,1\n1,3,40,0,10,10,1\n';
    const metrics = evaluateMot({ truth: parseMotRows(classes, 'gt.txt'), tracks: parseMotRows(tracks, 'tracks.txt') });
    expect(metrics).toMatchObject({ GT_Dets: 1, Dets: 2, CLR_TP: 1, CLR_FP: 1 });
  });

  it('returns metrics where one side is empty', () => {
    const none = parseMotRows('', 'none.txt');
    expect(evaluateMot({ truth: parseMotRows(truth, 'gt.txt'), tracks: none })).toMatchObject({
      MOTA: 0,
      IDF1: 0,
      HOTA: 0,
      LocA: 1,
      CLR_FN: 4,
      ML: 1,
    });
    expect(evaluateMot({ truth: none, tracks: parseMotRows(truth, 'tracks.txt') })).toMatchObject({
      MOTA: -4,
      CLR_FP: 4,
      IDFP: 4,
    });
    expect(evaluateMot({ truth: none, tracks: none })).toMatchObject({ MOTA: 0, IDF1: 0, HOTA: 0 });
  });

  it.each([
    ['1,1,0,0,10\n', 'tracks.txt, line 1: expected frame,id,x,y,width,height'],
    ['1,1,0,0,10,10,1\n2,1,0,0,ten,10,1\n', 'tracks.txt, line 2: expected frame,id,x,y,width,height'],
    ['0,1,0,0,10,10,1\n', 'tracks.txt, line 1: expected a frame number of at least 1 but received 0'],
    [
      '1,1,0,0,10,10,1\n\n1,1,5,0,10,10,1\n',
      'tracks.txt, line 3: expected each track ID once per frame but received ID 1 again in frame 1 (first in line 1)',
    ],
  ])('rejects %j', (text, message) => {
    expect(() => parseMotRows(text, 'tracks.txt')).toThrow(message);
  });

  it('rejects rows after the end of the sequence, naming the line', () => {
    const tracks = parseMotRows('1,1,0,0,10,10,1\n9,1,0,0,10,10,1\n', 'tracks.txt');
    expect(() => evaluateMot({ truth: parseMotRows(truth, 'gt.txt'), tracks, length: 4 })).toThrow(
      "tracks.txt, line 2: expected a frame up to 4, the sequence's length but received frame 9",
    );
  });
});
