import { join } from 'node:path';
import type { Box } from '@facedet/core';
import { curvesSvg, hardestMisses, recallBreakdown, widerReportHtml, worstFalsePositives, type DegradedFigures, type ReportPicture, type WiderEvaluation, type WiderReport } from '@facedet/eval';
import { encodeImage, readImage } from '@facedet/runtime-node';
import { writeOutputSync } from '@facedet/files';
import { picturePath, type PictureFolder } from './eval-wider-detect.ts';

/** What the files of an evaluation are made from. */
export interface ReportInput {
  title: string;
  facts: WiderReport['facts'];
  evaluation: WiderEvaluation;
  figures: object;
  pictures: PictureFolder | null;
  degraded: DegradedFigures[] | null;
  speed: WiderReport['speed'] | null;
}

/** Writes `results.json`, `curves.svg` and `report.html` into a folder. */
export async function writeReport(folder: string, { title, facts, evaluation, figures, pictures, degraded, speed }: ReportInput): Promise<void> {
  const curves = Object.entries(evaluation.figures).map(([name, { ap, curve }]) => ({ name, ap, curve }));
  writeOutputSync(join(folder, 'results.json'), `${JSON.stringify({ ...figures, curves: Object.fromEntries(curves.map(({ name, curve }) => [name, curvePoints(curve)])) }, null, 1)}\n`);
  writeOutputSync(join(folder, 'curves.svg'), curvesSvg(curves, title));
  const illustrated = async <T extends { image: string; box: Box }>(items: T[]): Promise<(T & { picture?: ReportPicture })[]> => {
    if (!pictures) return items;
    const shown: (T & { picture?: ReportPicture })[] = [];
    for (const item of items) {
      const picture = await cutOut(picturePath(pictures, item.image), item.box);
      shown.push(picture ? { ...item, picture } : item);
    }
    return shown;
  };
  const report = widerReportHtml({
    title,
    facts,
    evaluation,
    breakdown: recallBreakdown(evaluation),
    misses: await illustrated(hardestMisses(evaluation)),
    falsePositives: await illustrated(worstFalsePositives(evaluation)),
    ...(degraded && { degraded }),
    ...(speed && { speed }),
  });
  writeOutputSync(join(folder, 'report.html'), report);
}

function curvePoints({ precision, recall }: { precision: Float64Array; recall: Float64Array }) {
  return { precision: Array.from(precision), recall: Array.from(recall) };
}

const shownSide = 240;

/** A square around the face, three times its longer side, as a small JPEG; null where the picture can't be read, which was told when it was to be detected. */
async function cutOut(path: string, box: Box): Promise<ReportPicture | null> {
  const image = await readImage(path).catch(() => null);
  if (!image) return null;
  try {
    const side = Math.min(3 * Math.max(box.width, box.height, 24), image.width, image.height);
    const place = (center: number, length: number): number => Math.min(Math.max(0, center - side / 2), length - side);
    const region = { x: place(box.x + box.width / 2, image.width), y: place(box.y + box.height / 2, image.height), width: side, height: side };
    const bytes = await encodeImage(await image.rasterize(shownSide, shownSide, { region }), { format: 'jpeg', quality: 80 });
    return { url: `data:image/jpeg;base64,${Buffer.from(bytes).toString('base64')}`, region };
  } catch {
    return null;
  } finally {
    image.close();
  }
}
