import { Command, Option } from 'commander';
import { action } from '../shared/context.ts';
import { withDetectorOptions } from '../shared/model-option.ts';
import { numberIn, integerIn } from '../shared/options.ts';

export const evaluation = () =>
  new Command('eval')
    .description('measure detections and tracks against ground truth')
    .addCommand(wider())
    .addCommand(detections())
    .addCommand(mot())
    .addCommand(stability());

const wider = () =>
  withDetectorOptions(new Command('wider').description('average precision on WIDER FACE by its official protocol'))
    .option('--data-root <dir>', "WIDER FACE in its own layout: WIDER_val/images, wider_face_split; the detector runs over it")
    .addOption(new Option('--split <name>', 'which part of the data root').choices(['val', 'train']).default('val'))
    .option('--predictions <dir>', 'score the files of a submission folder, EVENT/NAME.txt')
    .option('--ground-truth <dir>', 'folder of the four official wider_*_val.mat files, for easy, medium and hard')
    .option('--images <list>', 'only the images that this file lists (a wider_face_*_bbx_gt.txt, or a path a line)')
    .option('-o, --output-dir <dir>', 'predictions, results.json, curves.svg and report.html; a run that was broken off goes on there')
    .option('--include-training-images', 'keep the images that the model has seen in training')
    .option('--degrade', 'also blurred, compressed, darkened, covered and shrunk, with CLAHE and without')
    .option('--benchmark', 'also the speed at 320, 480, 640 and 960')
    .option('--json', 'print all figures as JSON')
    .action(action(() => import('../run/eval-wider.ts')));

const detections = () =>
  new Command('detections')
    .description("average precision and recall by COCO's rules, precision, recall and F1 at a threshold")
    .requiredOption('--ground-truth <path>', 'COCO JSON, a wider_face_*_bbx_gt.txt, a folder of VOC XML, or a folder of YOLO txt')
    .requiredOption('--predictions <path>', 'output of `facedet detect --json` or --jsonl, COCO results, or a WIDER submission folder')
    .option('--label <name>', 'only objects of this class (VOC and COCO: its name, YOLO: its number)')
    .addOption(new Option('--score <score>', 'threshold for precision, recall and F1').argParser(numberIn(0, 1)).default(0.5))
    .addOption(new Option('--max-detections <count>', 'detections an image that AP looks at, the best').argParser(integerIn(1)).default(100))
    .option('--json', 'print all figures as JSON')
    .action(action(() => import('../run/eval-detections.ts')));

const mot = () =>
  new Command('mot')
    .description('HOTA, CLEAR and identity metrics of tracks, as TrackEval computes them')
    .requiredOption('--ground-truth <path>', 'a folder of NAME/gt/gt.txt or NAME/gt.txt for each sequence, with seqinfo.ini where there is one; or one file')
    .requiredOption('--tracks <path>', 'a folder of NAME.txt for each sequence; or one file')
    .option('--json', 'print all figures as JSON')
    .action(action(() => import('../run/eval-mot.ts')));

const stability = () =>
  new Command('stability')
    .description('how steady tracks are: jitter, acceleration, lag, fragmentation, flicker')
    .argument('<tracks...>', 'rows of `facedet video` (.jsonl) or MOT text')
    .option('--ground-truth <file>', 'true boxes and identities of the same video, MOT text or .jsonl; also gives HOTA, MOTA and IDF1')
    .addOption(new Option('--fps <rate>', 'frames a second of MOT text').argParser(numberIn(0.01, 10_000)).default(25))
    .option('--json', 'print all figures as JSON')
    .action(action(() => import('../run/eval-stability.ts')));
