import { join } from 'node:path';
import type { Box } from '@facedet/core';
import { hardestMisses, recallBreakdown, worstFalsePositives, type WiderEvaluation } from '@facedet/eval/wider';
import { writeOutputSync } from '@facedet/files';
import { encodeImage, readImage } from '@facedet/runtime-node';
import { curvesSvg } from '../eval/curves.ts';
import { widerReportHtml, type DegradedAp, type ReportPicture, type WiderReport } from '../eval/wider-report.ts';
import { picturePath, type PictureFolder } from './eval-wider-data.ts';

/** The content of the files of an evaluation. */
export interface ReportInput {
  title: string;
  facts: WiderReport['facts'];
  evaluation: WiderEvaluation;
  /** The output of `--json`. */
  output: object;
  pictures: PictureFolder | null;
  degraded: DegradedAp[] | null;
  speed: WiderReport['speed'] | null;
}

/** Writes `results.json`, `curves.svg` and `report.html` to a folder. */
export async function writeReport(folder: string, input: ReportInput): Promise<void> {
  const { title, facts, evaluation, output, pictures, degraded, speed } = input;
  const curves = Object.entries(evaluation.metrics).map(([name, { ap, curve }]) => ({ name, ap, curve }));
  const points = curves.map(({ name, curve: { precision, recall } }) => [
    name,
    { precision: Array.from(precision), recall: Array.from(recall) },
  ]);
  const results = { ...output, curves: Object.fromEntries(points) };
  writeOutputSync(join(folder, 'results.json'), `${JSON.stringify(results, null, 1)}\n`);
  writeOutputSync(join(folder, 'curves.svg'), curvesSvg(curves, title));
  const report = widerReportHtml({
    title,
    facts,
    evaluation,
    breakdown: recallBreakdown(evaluation),
    misses: await illustrated(hardestMisses(evaluation), pictures),
    falsePositives: await illustrated(worstFalsePositives(evaluation), pictures),
    ...(degraded && { degraded }),
    ...(speed && { speed }),
  });
  writeOutputSync(join(folder, 'report.html'), report);
}

/** Adds a crop to each face whose picture is readable. */
async function illustrated<T extends { image: string; box: Box }>(
  faces: readonly T[],
  pictures: PictureFolder | null,
): Promise<(T & { picture?: ReportPicture })[]> {
  const result: (T & { picture?: ReportPicture })[] = [];
  for (const face of faces) {
    const picture = pictures && (await crop(picturePath(pictures, face.image), face.box));
    result.push(picture ? { ...face, picture } : face);
  }
  return result;
}

/** Side of a crop in pixels. */
const CROP_SIDE = 240;

/** A square JPEG around the face, three times its longer side; null for an unreadable picture. */
async function crop(path: string, box: Box): Promise<ReportPicture | null> {
  const image = await readImage(path).catch(() => null);
  if (!image) return null;
  try {
    const side = Math.min(3 * Math.max(box.width, box.height, 24), image.width, image.height);
    const start = (center: number, length: number): number => Math.min(Math.max(0, center - side / 2), length - side);
    const x = start(box.x + box.width / 2, image.width);
    const y = start(box.y + box.height / 2, image.height);
    const region = { x, y, width: side, height: side };
    const pixels = await image.rasterize(CROP_SIDE, CROP_SIDE, { region });
    const bytes = await encodeImage(pixels, { format: 'jpeg', quality: 80 });
    return { url: `data:image/jpeg;base64,${Buffer.from(bytes).toString('base64')}`, region };
  } catch {
    return null;
  } finally {
    image.close();
  }
}
