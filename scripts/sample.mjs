#!/usr/bin/env node
// Draws examples/sample.png, the picture that the README begins with: six people who don't exist, by the code of @facedet/eval.
import { join } from 'node:path';
import { root } from './lib/workspace.mjs';

const { groupPicture } = await import(join(root, 'packages', 'eval', 'dist', 'synthetic', 'index.js'));
const { writeImage } = await import(join(root, 'packages', 'runtime-node', 'dist', 'index.js'));
const { image, truth } = groupPicture();
const path = join(root, 'examples', 'sample.png');
await writeImage(path, image);
console.log(`${path}: ${image.width} × ${image.height}, ${truth.length} faces`);
