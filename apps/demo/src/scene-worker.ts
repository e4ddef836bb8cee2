import { createScene } from '@facedet/eval/synthetic';

// Paints the synthetic scene beside the page, so that neither painting nor detecting holds up the other.

const scene = createScene({ seed: 7, width: 960, height: 540, fps: 25, duration: 40, faces: 5, events: ['crossing', 'absence', 'scale', 'blur'] });

self.onmessage = async ({ data: index }: MessageEvent<number>) => {
  const { image, truth } = scene.frame(index % scene.length);
  const rgba = new Uint8ClampedArray(image.width * image.height * 4).fill(255);
  for (let from = 0, to = 0; from < image.data.length; from += 3, to += 4) {
    rgba[to] = image.data[from]!;
    rgba[to + 1] = image.data[from + 1]!;
    rgba[to + 2] = image.data[from + 2]!;
  }
  const bitmap = await createImageBitmap(new ImageData(rgba, image.width, image.height));
  self.postMessage({ index, bitmap, truth: truth.length, fps: scene.fps, length: scene.length }, { transfer: [bitmap] });
};
