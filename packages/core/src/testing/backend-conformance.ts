import type { InferenceBackend, InferenceSession, Tensor } from '../backend.ts';
import { expect, rejection, type ConformanceCase } from './conformance-case.ts';
import { encodeOnnx } from './onnx.ts';

export type { ConformanceCase } from './conformance-case.ts';

/** Options of `backendConformance`. */
export interface ConformanceOptions {
  /** Creates the backend to test; called once per case. */
  create(): InferenceBackend | Promise<InferenceBackend>;
}

/**
 * The requirements on an `InferenceBackend`, as cases for any test runner:
 * `for (const { name, run } of backendConformance({ create })) it(name, run);`
 */
export function backendConformance({ create }: ConformanceOptions): ConformanceCase[] {
  return REQUIREMENTS.map(({ name, check }) => ({ name, run: async () => check(await create()) }));
}

interface Requirement {
  readonly name: string;
  check(backend: InferenceBackend): Promise<void>;
}

/** y = x · 2 and z = x · 2 + 1 over [batch, 3, height, width], all dimensions but the channels free. */
const freeModel = () =>
  encodeOnnx({
    inputs: [{ name: 'x', shape: ['batch', 3, 'height', 'width'] }],
    outputs: [
      { name: 'y', shape: ['batch', 3, 'height', 'width'] },
      { name: 'z', shape: ['batch', 3, 'height', 'width'] },
    ],
    nodes: [
      { op: 'Mul', inputs: ['x', 'two'], outputs: ['y'] },
      { op: 'Add', inputs: ['y', 'one'], outputs: ['z'] },
    ],
    constants: [
      { name: 'two', shape: [1], data: [2] },
      { name: 'one', shape: [1], data: [1] },
    ],
  });

/** y = x · 2 over [1, 3, 4, 4]. */
const fixedModel = () =>
  encodeOnnx({
    inputs: [{ name: 'x', shape: [1, 3, 4, 4] }],
    outputs: [{ name: 'y', shape: [1, 3, 4, 4] }],
    nodes: [{ op: 'Mul', inputs: ['x', 'two'], outputs: ['y'] }],
    constants: [{ name: 'two', shape: [1], data: [2] }],
  });

const METADATA: readonly Requirement[] = [
  {
    name: 'has a name',
    async check({ name }) {
      expect(typeof name === 'string' && name.length > 0, 'a name that is not empty', name);
    },
  },
  {
    name: 'reports names, types and shapes of inputs and outputs',
    check: withSession(freeModel, async ({ inputs, outputs }) => {
      expect(inputs.length === 1 && inputs[0]!.name === 'x', 'the input x', inputs);
      expect(inputs[0]!.type === 'float32', 'float32 for x', inputs[0]!.type);
      expect(outputs.map((o) => o.name).join() === 'y,z', 'the outputs y and z', outputs);
      const { shape } = inputs[0]!;
      const isFree = shape?.length === 4 && shape[1] === 3 && !isFixed(shape[2]);
      expect(shape === undefined || isFree, 'undefined or [free, 3, free, free] for the shape of x', shape);
    }),
  },
  {
    name: 'reports fixed dimensions as numbers',
    check: withSession(fixedModel, async (session) => {
      const { shape } = session.inputs[0]!;
      expect(shape === undefined || shape.join() === '1,3,4,4', 'undefined or [1, 3, 4, 4]', shape);
    }),
  },
];

const RUNS: readonly Requirement[] = [
  {
    name: 'computes all outputs, with their shapes',
    check: withSession(freeModel, async (session) => {
      const x = ramp([1, 3, 2, 5]);
      const result = await session.run({ x });
      expectMapped(result['y'], x, (v) => 2 * v);
      expectMapped(result['z'], x, (v) => 2 * v + 1);
    }),
  },
  {
    name: 'accepts another shape on the next run, and batches',
    check: withSession(freeModel, async (session) => {
      for (const dims of [
        [1, 3, 4, 4],
        [1, 3, 8, 2],
        [3, 3, 2, 2],
      ])
        await expectWorking(session, dims);
    }),
  },
  {
    name: 'lets the caller reuse the input once the run has settled',
    check: withSession(freeModel, async (session) => {
      const x = ramp([1, 3, 2, 2]);
      const first = (await session.run({ x }))['y'];
      const wanted = Float32Array.from(x.data as Float32Array, (v) => 2 * v);
      (x.data as Float32Array).fill(7);
      expect(first !== undefined && wanted.every((v, i) => first.data[i] === v), 'an unchanged result', first?.data);
      const second = (await session.run({ x }))['y'];
      const isNew = second !== undefined && Array.from(second.data as Float32Array).every((v) => v === 14);
      expect(isNew, 'the new input in the next run', second?.data);
    }),
  },
  {
    name: 'does not change or detach the input',
    check: withSession(freeModel, async (session) => {
      const x = ramp([1, 3, 2, 2]);
      const before = Array.from(x.data as Float32Array).join();
      await session.run({ x });
      const isSame = x.data.length === 12 && Array.from(x.data as Float32Array).join() === before;
      expect(isSame, 'an unchanged input', x.data);
    }),
  },
  {
    name: 'holds two sessions at once',
    check: withSession(freeModel, async (first, backend) => {
      const second = await backend.createSession(fixedModel());
      try {
        const x = ramp([1, 3, 4, 4]);
        const [a, b] = [await first.run({ x }), await second.run({ x })];
        expectMapped(a['y'], x, (v) => 2 * v);
        expectMapped(b['y'], x, (v) => 2 * v);
      } finally {
        await second.dispose();
      }
    }),
  },
];

const FAILURES: readonly Requirement[] = [
  {
    name: 'rejects a run whose signal is already aborted',
    check: withSession(freeModel, async (session) => {
      const reason = new Error('enough');
      const error = await rejection(session.run({ x: ramp([1, 3, 2, 2]) }, { signal: AbortSignal.abort(reason) }));
      expect(error === reason, "the signal's reason", error);
    }),
  },
  {
    name: 'rejects a run without its input, and stays usable',
    check: withSession(freeModel, async (session) => {
      const error = await rejection(session.run({}));
      expect(error instanceof Error, 'an Error for a run without its input', 'another value');
      await expectWorking(session, [1, 3, 2, 2]);
    }),
  },
  {
    name: 'rejects bytes that are not a model with MODEL_UNUSABLE',
    async check(backend) {
      const noise = Uint8Array.from({ length: 64 }, (_, i) => (i * 37) & 255);
      for (const bytes of [new Uint8Array(0), noise, freeModel().subarray(0, 40)]) {
        const error = await rejection(backend.createSession(bytes));
        const { code } = error as { code?: unknown };
        expect(code === 'MODEL_UNUSABLE', `code MODEL_UNUSABLE for ${bytes.length} bytes`, error);
      }
    },
  },
  {
    name: 'rejects a run after dispose with DISPOSED; a second dispose is not an error',
    async check(backend) {
      const session = await backend.createSession(freeModel());
      await session.dispose();
      await session.dispose();
      const error = await rejection(session.run({ x: ramp([1, 3, 2, 2]) }));
      expect((error as { code?: unknown }).code === 'DISPOSED', 'code DISPOSED', error);
    },
  },
];

const REQUIREMENTS = [...METADATA, ...RUNS, ...FAILURES];

/** A check with a session on a model, which is disposed afterwards. */
function withSession(
  model: () => Uint8Array,
  use: (session: InferenceSession, backend: InferenceBackend) => Promise<void>,
): Requirement['check'] {
  return async (backend) => {
    const session = await backend.createSession(model());
    try {
      await use(session, backend);
    } finally {
      await session.dispose();
    }
  };
}

function ramp(dims: readonly number[]): Tensor {
  const size = dims.reduce((a, b) => a * b, 1);
  return { type: 'float32', data: Float32Array.from({ length: size }, (_, i) => i / 4 - 3), dims };
}

/** Checks that a run at a shape gives y = 2 · x. */
async function expectWorking(session: InferenceSession, dims: readonly number[]): Promise<void> {
  const x = ramp(dims);
  expectMapped((await session.run({ x }))['y'], x, (v) => 2 * v);
}

/** Checks that a tensor has the shape of `x` and the values f(x). */
function expectMapped(actual: Tensor | undefined, x: Tensor, f: (v: number) => number): void {
  expect(actual?.type === 'float32' && actual.data instanceof Float32Array, 'a float32 tensor', actual);
  expect(actual!.dims.join() === x.dims.join(), `shape [${x.dims.join(', ')}]`, actual!.dims);
  const wanted = Array.from(x.data as Float32Array, f);
  const off = wanted.findIndex((v, i) => Math.abs(Number(actual!.data[i]) - v) > 1e-5);
  expect(off < 0 && actual!.data.length === wanted.length, `${wanted[off]} at ${off}`, actual!.data[off]);
}

function isFixed(dimension: number | string | undefined): boolean {
  return typeof dimension === 'number' && dimension > 0;
}
