import { describe, expect, it } from 'vitest';
import { createJitter } from './jitter.ts';

const face = (x: number, y: number, id = 1) => [{ id, box: { x: x - 30, y: y - 40, width: 60, height: 80 } }];

describe('createJitter', () => {
  it('is 0 for uniform motion, however uneven the times of the frames', () => {
    const jitter = createJitter();
    let time = 0;
    for (let k = 0; k < 60; k++) {
      time += [1, 2, 1, 4, 3][k % 5]! / 25;
      jitter.add(face(100 + 300 * time, 200 - 40 * time), time);
    }
    expect(jitter.value).toBeLessThan(1e-9);
  });

  it('is the noise added to the path, in pixels', () => {
    const jitter = createJitter();
    // ±2 along x in a pattern whose neighbors, and second neighbors, are uncorrelated.
    const signs = [1, 1, 1, -1, 1, -1, -1, -1];
    for (let k = 0; k < 400; k++) jitter.add(face(100 + 5 * k + 2 * signs[k % 8]!, 200), k / 25);
    expect(Math.abs(jitter.value! - 2)).toBeLessThan(0.1);
  });

  it('says nothing before there are ten steps, of a face that was gone, and after a reset', () => {
    const jitter = createJitter();
    for (let k = 0; k < 11; k++) jitter.add(face(100, 100), k / 25);
    expect(jitter.value).toBeNull();
    jitter.add(face(900, 100), 2); // back elsewhere: no step, and two more until there is one again
    jitter.add(face(900, 100), 2.04);
    expect(jitter.value).toBeNull();
    jitter.add(face(900, 100), 2.08);
    expect(jitter.value).toBe(0);
    jitter.reset();
    expect(jitter.value).toBeNull();
  });
});
