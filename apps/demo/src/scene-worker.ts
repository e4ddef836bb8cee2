import { createScene } from '@facedet/eval/synthetic';

// Paints the synthetic scene beside the page, so that neither painting nor detecting holds up the other.

const scene = createScene({
  seed: 7,
  width: 800,
  height: 450,
  fps: 25,
  duration: 40,
  faces: 5,
  events: ['crossing', 'absence', 'scale', 'blur'],
});
const picture = new ImageData(scene.width, scene.height);
const rgba = picture.data.fill(255);

self.onmessage = async ({ data: index }: MessageEvent<number>) => {
  const { data } = scene.frame(index % scene.length).image;
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    rgba[to] = data[from]!;
    rgba[to + 1] = data[from + 1]!;
    rgba[to + 2] = data[from + 2]!;
  }
  const bitmap = await createImageBitmap(picture);
  self.postMessage({ index, bitmap, fps: scene.fps }, { transfer: [bitmap] });
};
