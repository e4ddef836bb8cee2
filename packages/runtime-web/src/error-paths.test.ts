import { afterEach, expect, it, vi } from 'vitest';
import { webBackend } from './backend.ts';
import { loadOrt } from './ort.ts';

vi.mock('./ort.ts', () => ({ loadOrt: vi.fn() }));
vi.mock('./agreement.ts', () => ({ agree: async () => null }));
vi.mock('./environment.ts', () => ({ environment: () => ({ webgpu: true, threads: true, cores: 2 }) }));
afterEach(() => vi.unstubAllGlobals());

/** An engine that counts its open sessions; `onCreate` is called before each is made. */
function fakeOrt(onCreate: (provider: string) => void) {
  const state = { open: 0, created: 0 };
  const create = async (_: Uint8Array, { executionProviders: [provider] }: { executionProviders: [string] }) => {
    onCreate(provider);
    state.open++;
    state.created++;
    return { inputMetadata: [], outputMetadata: [], release: async () => void state.open-- };
  };
  vi.mocked(loadOrt).mockResolvedValue({ InferenceSession: { create } } as never);
  vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => ({}) } });
  return state;
}

it.each(['wasm', 'webgpu'])('releases all sessions where it is aborted while the one on %s is made', async (when) => {
  const leaving = new AbortController();
  const state = fakeOrt((provider) => {
    if (provider === when) leaving.abort(new RangeError('left'));
  });
  const opening = webBackend().createSession(new Uint8Array(1), { signal: leaving.signal });
  await expect(opening).rejects.toThrow('left');
  expect(state.created).toBe(2);
  expect(state.open).toBe(0);
});

it('releases the session on WASM where aborting makes that on the GPU fail', async () => {
  const leaving = new AbortController();
  const state = fakeOrt((provider) => {
    if (provider !== 'webgpu') return;
    leaving.abort(new RangeError('left'));
    throw new Error('the device is gone');
  });
  await expect(webBackend().createSession(new Uint8Array(1), { signal: leaving.signal })).rejects.toThrow('left');
  expect(state).toEqual({ created: 1, open: 0 });
});

it('frees a session once at the end of its `await using`, however often', async () => {
  const state = fakeOrt(() => {});
  const session = await webBackend().createSession(new Uint8Array(1));
  expect(state.open).toBe(1);
  await Promise.all([session[Symbol.asyncDispose](), session.dispose(), session[Symbol.asyncDispose]()]);
  expect(state.open).toBe(0);
  await expect(session.run({})).rejects.toMatchObject({ code: 'DISPOSED' });
});
