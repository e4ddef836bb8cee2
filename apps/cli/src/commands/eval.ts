import { Command, Option } from 'commander';
import { action } from '../shared/context.ts';
import { withDetectorOptions } from '../shared/model-option.ts';
import { integerIn, numberIn } from '../shared/options.ts';

export const evaluation = () =>
  new Command('eval')
    .description('measure detections and tracks against ground truth')
    .addCommand(wider())
    .addCommand(detections())
    .addCommand(mot())
    .addCommand(stability());

const wider = () =>
  withDetectorOptions(new Command('wider').description('average precision on WIDER FACE, by its official protocol'))
    .option(
      '--data-root <dir>',
      'run the detector on WIDER FACE in its original layout (WIDER_val/images, wider_face_split)',
    )
    .addOption(new Option('--split <name>', 'split of the data root').choices(['val', 'train']).default('val'))
    .option('--predictions <dir>', 'evaluate the predictions of a submission folder (EVENT/NAME.txt)')
    .option(
      '--ground-truth <dir>',
      'folder of the four official wider_*_val.mat files, for the easy, medium and hard subsets',
    )
    .option('--images <list>', 'only the images listed in this file (a wider_face_*_bbx_gt.txt, or one path per line)')
    .option(
      '-o, --output-dir <dir>',
      'write predictions, results.json, curves.svg and report.html; continues an interrupted run',
    )
    .option('--include-training-images', 'include images that the model was trained on')
    .option('--degrade', 'also evaluate blurred, compressed, dark, covered and shrunk images, with and without CLAHE')
    .option('--benchmark', 'also measure the speed at input sizes 320, 480, 640 and 960')
    .option('--json', 'print all metrics as JSON')
    .action(action(() => import('../run/eval-wider.ts')));

const detections = () =>
  new Command('detections')
    .description("average precision and recall by COCO's rules; precision, recall and F1 at a score threshold")
    .requiredOption(
      '--ground-truth <path>',
      'COCO JSON, a wider_face_*_bbx_gt.txt, a folder of VOC XML, or a folder of YOLO txt',
    )
    .requiredOption(
      '--predictions <path>',
      'output of `facedet detect --json` or --jsonl, COCO results, or a WIDER submission folder',
    )
    .option('--label <name>', 'only objects of this class (name for VOC and COCO, number for YOLO)')
    .addOption(
      new Option('--score <score>', 'score threshold for precision, recall and F1')
        .argParser(numberIn(0, 1))
        .default(0.5),
    )
    .addOption(
      new Option('--max-detections <count>', 'number of highest-scoring detections per image that count for AP')
        .argParser(integerIn(1))
        .default(100),
    )
    .option('--json', 'print all metrics as JSON')
    .action(action(() => import('../run/eval-detections.ts')));

const mot = () =>
  new Command('mot')
    .description('HOTA, CLEAR and ID metrics of tracks, as TrackEval computes them')
    .requiredOption(
      '--ground-truth <path>',
      'folder of NAME/gt/gt.txt or NAME/gt.txt per sequence, with an optional seqinfo.ini; or one file',
    )
    .requiredOption('--tracks <path>', 'folder of NAME.txt per sequence; or one file')
    .option('--json', 'print all metrics as JSON')
    .action(action(() => import('../run/eval-mot.ts')));

const stability = () =>
  new Command('stability')
    .description('temporal stability of tracks: jitter, acceleration, lag, fragmentation, flicker')
    .argument('<tracks...>', 'output of `facedet video --jsonl` or MOT text')
    .option(
      '--ground-truth <file>',
      'ground truth of the same video, MOT text or .jsonl; also computes HOTA, MOTA and IDF1',
    )
    .addOption(
      new Option('--fps <rate>', 'frames per second of MOT text').argParser(numberIn(0.01, 10_000)).default(25),
    )
    .option('--json', 'print all metrics as JSON')
    .action(action(() => import('../run/eval-stability.ts')));
