import type { InferenceBackend, InferenceSession, Tensor } from '../backend.ts';
import { encodeOnnx } from './onnx.ts';

/** One requirement of a suite: `run` rejects with an `Error` that says what was expected and what was received. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/** What the suite needs to know about a backend. */
export interface ConformanceOptions {
  /** Gives the backend to test; called once a case. */
  create(): InferenceBackend | Promise<InferenceBackend>;
}

/** y = x · 2 and z = x + x + 1 over [batch, 3, height, width], all but the channels free. */
const model = () =>
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

/** The same with a fixed shape. */
const fixedModel = () =>
  encodeOnnx({
    inputs: [{ name: 'x', shape: [1, 3, 4, 4] }],
    outputs: [{ name: 'y', shape: [1, 3, 4, 4] }],
    nodes: [{ op: 'Mul', inputs: ['x', 'two'], outputs: ['y'] }],
    constants: [{ name: 'two', shape: [1], data: [2] }],
  });

/**
 * The requirements on an `InferenceBackend`, as cases for any test runner:
 * `for (const { name, run } of backendConformance({ create })) it(name, run);`
 */
export function backendConformance({ create }: ConformanceOptions): ConformanceCase[] {
  async function withSession(
    bytes: Uint8Array,
    use: (session: InferenceSession, backend: InferenceBackend) => Promise<void>,
  ): Promise<void> {
    const backend = await create();
    const session = await backend.createSession(bytes);
    try {
      await use(session, backend);
    } finally {
      await session.dispose();
    }
  }
  return [
    {
      name: 'has a name',
      async run() {
        const { name } = await create();
        expect(typeof name === 'string' && name.length > 0, 'a name that is not empty', name);
      },
    },
    {
      name: 'tells names, types and shapes of inputs and outputs',
      run: () =>
        withSession(model(), async (session) => {
          expect(session.inputs.length === 1 && session.inputs[0]!.name === 'x', 'the input x', session.inputs);
          expect(session.inputs[0]!.type === 'float32', 'float32 for x', session.inputs[0]!.type);
          expect(session.outputs.map((o) => o.name).join() === 'y,z', 'the outputs y and z', session.outputs);
          const { shape } = session.inputs[0]!;
          expect(
            shape === undefined || (shape.length === 4 && shape[1] === 3 && !isFixed(shape[2])),
            'undefined or [free, 3, free, free] for the shape of x',
            shape,
          );
        }),
    },
    {
      name: 'tells fixed dimensions as numbers',
      run: () =>
        withSession(fixedModel(), async (session) => {
          const { shape } = session.inputs[0]!;
          expect(shape === undefined || shape.join() === '1,3,4,4', 'undefined or [1, 3, 4, 4]', shape);
        }),
    },
    {
      name: 'computes all outputs, with their shapes',
      run: () =>
        withSession(model(), async (session) => {
          const x = ramp([1, 3, 2, 5]);
          const result = await session.run({ x });
          same(result['y'], x, (v) => 2 * v);
          same(result['z'], x, (v) => 2 * v + 1);
        }),
    },
    {
      name: 'takes another shape on the next run, and batches',
      run: () =>
        withSession(model(), async (session) => {
          for (const dims of [
            [1, 3, 4, 4],
            [1, 3, 8, 2],
            [3, 3, 2, 2],
          ]) {
            const x = ramp(dims);
            same((await session.run({ x }))['y'], x, (v) => 2 * v);
          }
        }),
    },
    {
      name: 'lets the caller reuse the input once the run has settled',
      run: () =>
        withSession(model(), async (session) => {
          const x = ramp([1, 3, 2, 2]);
          const first = (await session.run({ x }))['y'];
          const wanted = Float32Array.from(x.data as Float32Array, (v) => 2 * v);
          (x.data as Float32Array).fill(7);
          expect(
            first !== undefined && wanted.every((v, i) => first.data[i] === v),
            'a result of its own',
            first?.data,
          );
          const second = (await session.run({ x }))['y'];
          expect(
            second !== undefined && Array.from(second.data as Float32Array).every((v) => v === 14),
            'the new input in the next run',
            second?.data,
          );
        }),
    },
    {
      name: 'does not change or detach the input',
      run: () =>
        withSession(model(), async (session) => {
          const x = ramp([1, 3, 2, 2]);
          const before = Array.from(x.data as Float32Array).join();
          await session.run({ x });
          expect(
            x.data.length === 12 && Array.from(x.data as Float32Array).join() === before,
            'the input as it was',
            x.data,
          );
        }),
    },
    {
      name: 'rejects a run that is aborted already',
      run: () =>
        withSession(model(), async (session) => {
          const reason = new Error('enough');
          const error = await rejection(session.run({ x: ramp([1, 3, 2, 2]) }, { signal: AbortSignal.abort(reason) }));
          expect(error === reason, "the signal's reason", error);
        }),
    },
    {
      name: 'rejects a missing input and goes on working',
      run: () =>
        withSession(model(), async (session) => {
          expect(
            (await rejection(session.run({}))) instanceof Error,
            'an Error for a run without its input',
            'another value',
          );
          const x = ramp([1, 3, 2, 2]);
          same((await session.run({ x }))['y'], x, (v) => 2 * v);
        }),
    },
    {
      name: 'rejects bytes that are no model with MODEL_UNUSABLE',
      async run() {
        const backend = await create();
        for (const bytes of [
          new Uint8Array(0),
          Uint8Array.from({ length: 64 }, (_, i) => (i * 37) & 255),
          model().subarray(0, 40),
        ]) {
          const error = await rejection(backend.createSession(bytes));
          expect(
            (error as { code?: unknown }).code === 'MODEL_UNUSABLE',
            `code MODEL_UNUSABLE for ${bytes.length} bytes`,
            error,
          );
        }
      },
    },
    {
      name: 'holds two sessions at once',
      run: () =>
        withSession(model(), async (first, backend) => {
          const second = await backend.createSession(fixedModel());
          try {
            const x = ramp([1, 3, 4, 4]);
            const [a, b] = [await first.run({ x }), await second.run({ x })];
            same(a['y'], x, (v) => 2 * v);
            same(b['y'], x, (v) => 2 * v);
          } finally {
            await second.dispose();
          }
        }),
    },
    {
      name: 'rejects a run after dispose with DISPOSED, and disposes twice in peace',
      async run() {
        const backend = await create();
        const session = await backend.createSession(model());
        await session.dispose();
        await session.dispose();
        const error = await rejection(session.run({ x: ramp([1, 3, 2, 2]) }));
        expect((error as { code?: unknown }).code === 'DISPOSED', 'code DISPOSED', error);
      },
    },
  ];
}

function ramp(dims: readonly number[]): Tensor {
  const size = dims.reduce((a, b) => a * b, 1);
  return { type: 'float32', data: Float32Array.from({ length: size }, (_, i) => i / 4 - 3), dims };
}

function same(actual: Tensor | undefined, x: Tensor, f: (v: number) => number): void {
  expect(actual?.type === 'float32' && actual.data instanceof Float32Array, 'a float32 tensor', actual);
  expect(actual!.dims.join() === x.dims.join(), `shape [${x.dims.join(', ')}]`, actual!.dims);
  const wanted = Array.from(x.data as Float32Array, f);
  const off = wanted.findIndex((v, i) => Math.abs(Number(actual!.data[i]) - v) > 1e-5);
  expect(off < 0 && actual!.data.length === wanted.length, `${wanted[off]} at ${off}`, actual!.data[off]);
}

const isFixed = (dimension: number | string | undefined) => typeof dimension === 'number' && dimension > 0;

/** The reason of a promise that must be rejected. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('Expected a rejection but received a value.');
}

/** Throws where a condition does not hold. */
export function expect(condition: boolean, expected: string, received: unknown): void {
  if (condition) return;
  const shown =
    received instanceof Error
      ? `${received.name}: ${received.message}`
      : JSON.stringify(received, (_, v) =>
          ArrayBuffer.isView(v) ? Array.from(v as unknown as ArrayLike<number>).slice(0, 8) : v,
        );
  throw new Error(`Expected ${expected} but received ${shown}.`);
}
