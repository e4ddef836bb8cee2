#!/usr/bin/env node
// Renders examples/sample.png, the first picture of the README: six synthetic people of @facedet/eval/synthetic.
import { join } from 'node:path';
import { root } from './lib/workspace.mjs';

const { renderGroup } = await import(join(root, 'packages', 'eval', 'dist', 'synthetic', 'index.js'));
const { writeImage } = await import(join(root, 'packages', 'runtime-node', 'dist', 'index.js'));
const { image, truth } = renderGroup();
// The lowest bit of each channel can't be seen, and without it the file is a third smaller.
const data = image.data.map((value) => value & 0xfe);
const path = join(root, 'examples', 'sample.png');
await writeImage(path, { ...image, data });
console.log(`${path}: ${image.width} × ${image.height}, ${truth.length} faces`);
