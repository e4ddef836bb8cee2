import type { Ort, OrtSession } from './ort.ts';

/**
 * Numbers that two engines may differ by: half precision and another order of sums move a score by some thousandths.
 */
const TOLERANCE = 0.02;

const SIDE = 64;

/**
 * Runs both sessions on one made-up picture and compares all outputs. Returns what differs, or null. GPU drivers are
 * known to give zeros, NaN or garbage without any error.
 */
export async function agree(ort: Ort, session: OrtSession, reference: OrtSession): Promise<string | null> {
  const [input] = reference.inputMetadata as readonly { name: string; shape?: readonly (number | string)[] }[];
  if (!input) return null;
  const side = (d: number | string | undefined, free: number) => (typeof d === 'number' && d > 0 ? d : free);
  const dims = [
    side(input.shape?.[0], 1),
    side(input.shape?.[1], 3),
    side(input.shape?.[2], SIDE),
    side(input.shape?.[3], SIDE),
  ];
  const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
  // A pattern with edges and gradients, in the range of normalized pixels.
  for (let i = 0; i < data.length; i++) data[i] = Math.sin(i * 0.7) * 0.6 + (((i >> 4) & 1) - 0.5) * 0.4;
  const run = async (s: OrtSession) => s.run({ [input.name]: new ort.Tensor('float32', data, dims) });
  const [actual, expected] = [await run(session), await run(reference)];
  for (const [name, value] of Object.entries(expected)) {
    const a = (await actual[name]?.getData()) as Float32Array | undefined;
    const b = (await value.getData()) as Float32Array;
    if (!a || a.length !== b.length) return `output ${name} has ${a?.length ?? 'no'} numbers, not ${b.length}`;
    for (let i = 0; i < b.length; i++) {
      if (!(Math.abs(a[i]! - b[i]!) <= TOLERANCE * Math.max(1, Math.abs(b[i]!))))
        return `${name}[${i}] is ${a[i]}, not ${b[i]}`;
    }
    actual[name]?.dispose();
    value.dispose();
  }
  return null;
}
