// The material of the edited films: still pictures and real films of the shared data, and synthetic scenes.
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { resizeBilinear, type PixelBuffer } from '@facedet/core';
import { createScene } from '@facedet/eval/synthetic';
import { readImage } from '@facedet/runtime-node';
import { openVideo } from '@facedet/video-node';

/** Packed RGB. */
export interface Picture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** The picture files below a folder, in the order of their names. */
export function pictureFiles(folder: string): string[] {
  return (readdirSync(folder, { recursive: true }) as string[])
    .filter((file) => /\.(jpg|webp)$/.test(file))
    .sort()
    .map((file) => join(folder, file));
}

/** Decodes a picture and halves it until its longer side is at most 720 pixels. */
export async function loadPicture(path: string): Promise<Picture> {
  const image = await readImage(path);
  let pixels = await image.pixels();
  image.close();
  while (Math.max(pixels.width, pixels.height) > 720) pixels = halved(pixels);
  return { name: basename(path), width: pixels.width, height: pixels.height, data: pixels.data as Uint8Array };
}

/** The mean of each 2 × 2 pixels. */
function halved({ width, height, data }: PixelBuffer): PixelBuffer {
  const [w, h] = [width >> 1, height >> 1];
  const half = new Uint8Array(w * h * 3);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      for (let c = 0; c < 3; c++) {
        const at = 3 * (2 * y * width + 2 * x) + c;
        half[3 * (y * w + x) + c] =
          (data[at]! + data[at + 3]! + data[at + 3 * width]! + data[at + 3 * width + 3]! + 2) >> 2;
      }
    }
  }
  return { data: half, width: w, height: h, format: 'rgb' };
}

/** All frames of a film, scaled to fit 640 × 640. */
export async function loadFilm(path: string): Promise<Picture[]> {
  const video = await openVideo(path);
  const frames: Picture[] = [];
  for await (const frame of video) {
    const scale = Math.min(1, 640 / Math.max(frame.width, frame.height));
    const { width, height, data } = await frame.rasterize(
      Math.round(frame.width * scale),
      Math.round(frame.height * scale),
    );
    frames.push({ name: basename(path), width, height, data: data as Uint8Array });
    frame.close();
  }
  await video.close();
  return frames;
}

/** The frames of a synthetic scene, painted at 480 × 270. */
export function paintScene(seed: number, frames: number): Picture[] {
  const scene = createScene({
    seed,
    width: 480,
    height: 270,
    faces: 1 + (seed % 4),
    frames,
    events: ['crossing', 'scale'],
  });
  return Array.from({ length: frames }, (_, i) => {
    const { image } = scene.frame(i);
    const { width, height, data } = image.format === 'rgb' ? image : resizeBilinear(image, image.width, image.height);
    return { name: `scene ${seed}`, width, height, data: data as Uint8Array };
  });
}

/** What films of a split are made of. No picture, film or scene is in both. */
export async function loadMaterial(
  split: 'tune' | 'report',
  shared: string,
): Promise<{ pictures: Picture[]; films: Picture[][]; scenes: Picture[][] }> {
  const report = split === 'report';
  const folders = report
    ? ['wider/dev/images']
    : ['training/wider/images', 'training/groups/images', 'training/ilc/images'];
  const files = folders.flatMap((folder) => pictureFiles(join(shared, folder)));
  const pictures: Picture[] = [];
  // Every second picture, from the second on.
  const wanted = 240;
  for (let k = 0; k < wanted; k++) {
    const picture = await loadPicture(files[Math.floor(((k + 0.5) * files.length) / wanted)]!);
    if (picture.width >= 320 && picture.height >= 240) pictures.push(picture);
  }
  const films: Picture[][] = [];
  for (const name of report
    ? ['street_crowd.mp4', 'faceocc2.webm', 'face-demographics-walking.gif']
    : ['david.webm', 'classroom.gif']) {
    const frames = await loadFilm(join(shared, 'video', name));
    films.push(name === 'david.webm' ? frames.slice(300, 700) : frames.slice(0, 400));
  }
  const scenes = Array.from({ length: 8 }, (_, k) => paintScene((report ? 200 : 0) + k, 60));
  return { pictures, films, scenes };
}
