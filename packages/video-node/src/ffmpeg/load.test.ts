import { afterEach, expect, it } from 'vitest';
import { loadFfmpeg } from './load.ts';

const target = Promise as unknown as { withResolvers?: <T>() => { promise: Promise<T>; resolve: (value: T) => void; reject: (reason: unknown) => void } };
const own = target.withResolvers;
afterEach(() => {
  if (own) target.withResolvers = own;
});

it('supplies Promise.withResolvers where Node has none, before FFmpeg is used', async () => {
  delete target.withResolvers;
  await loadFfmpeg();
  const [kept, broken] = [target.withResolvers!<number>(), target.withResolvers!<number>()];
  kept.resolve(5);
  broken.reject(new Error('no'));
  expect(await kept.promise).toBe(5);
  await expect(broken.promise).rejects.toThrow('no');
});

it('leaves Node\'s own where it has one', async () => {
  const mine = () => ({}) as never;
  target.withResolvers = mine;
  await loadFfmpeg();
  expect(target.withResolvers).toBe(mine);
  delete target.withResolvers;
});
