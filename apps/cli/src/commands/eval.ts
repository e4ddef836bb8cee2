import { Command } from 'commander';
import { action } from '../shared/context.ts';

export const evaluation = () =>
  new Command('eval')
    .description('measure detections and tracks against ground truth')
    .addCommand(wider())
    .addCommand(mot());

const wider = () =>
  new Command('wider')
    .description('average precision on WIDER FACE by its official protocol')
    .option('--predictions <dir>', 'score the files of a submission folder, EVENT/NAME.txt')
    .option('--ground-truth <dir>', 'folder of the four official wider_*_val.mat files, for easy, medium and hard')
    .option('--images <list>', 'only the images that this file lists (a wider_face_*_bbx_gt.txt, or a path a line)')
    .option('--json', 'print all figures as JSON')
    .action(action(() => import('../run/eval-wider.ts')));

const mot = () =>
  new Command('mot')
    .description('HOTA, CLEAR and identity metrics of tracks, as TrackEval computes them')
    .requiredOption('--ground-truth <dir>', 'NAME/gt/gt.txt or NAME/gt.txt for each sequence, with seqinfo.ini where there is one')
    .requiredOption('--tracks <dir>', 'NAME.txt for each sequence')
    .option('--json', 'print all figures as JSON')
    .action(action(() => import('../run/eval-mot.ts')));
