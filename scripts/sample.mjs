#!/usr/bin/env node
// Draws examples/sample.png, the picture that the README begins with: six people who don't exist, by the code of @facedet/eval.
import { join } from 'node:path';
import { root } from './lib/workspace.mjs';

const { groupPicture } = await import(join(root, 'packages', 'eval', 'dist', 'synthetic', 'index.js'));
const { writeImage } = await import(join(root, 'packages', 'runtime-node', 'dist', 'index.js'));
const { image, truth } = groupPicture();
// The lowest bit of each channel can't be seen, and without it the file is a third smaller.
const data = image.data.map((value) => value & 0xfe);
const path = join(root, 'examples', 'sample.png');
await writeImage(path, { ...image, data });
console.log(`${path}: ${image.width} × ${image.height}, ${truth.length} faces`);
