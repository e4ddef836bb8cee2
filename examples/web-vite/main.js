import { createDetector } from '@facedet/runtime-web';

const result = document.getElementById('result');
try {
  const picture = document.getElementById('picture');
  await picture.decode();
  // The default weights are part of the bundle; the engine's files are in ort/.
  const detector = await createDetector({ wasmPaths: './ort/' });
  const faces = await detector.detect(picture);
  result.textContent = `${faces.length} faces, on ${detector.selection.provider}`;
  await detector.dispose();
} catch (error) {
  result.textContent = error.message;
}
