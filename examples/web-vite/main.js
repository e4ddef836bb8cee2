import { createDetector } from '@facedet/runtime-web';

const result = document.getElementById('result');
try {
  const picture = document.getElementById('picture');
  await picture.decode();
  // The default weights come along with the bundle; the engine's files lie in ort/.
  const detector = await createDetector({ wasmPaths: './ort/' });
  const faces = await detector.detect(picture);
  result.textContent = `${faces.length} faces, on ${detector.selection.provider}`;
  await detector.dispose();
} catch (error) {
  result.textContent = error.message;
}
