import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { readUrl } from '@facedet/http';
import { file, noise, startServer, status, type Behavior } from '@facedet/http/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extractFromFile, extractFromUrl } from './archive.ts';
import { downloadFile } from './download.ts';
import { zip } from './zip.fixture.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'facedet-download-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const patient = { what: 'a model', attempts: 20, stallTimeout: 10, backoff: 0.001 };
const body = noise(200_000, 21);

/** A server that misbehaves a few times, in any order, before it does its job. */
const trouble = (etag: string | undefined): fc.Arbitrary<Behavior> =>
  fc.oneof(
    fc.nat(body.length).map((breakAfter) => file(body, { breakAfter, ...(etag ? { etag } : {}) })),
    fc.nat(body.length).map((breakAfter) => file(body, { breakAfter, ranges: false, ...(etag ? { etag } : {}) })),
    fc.nat(body.length).map((breakAfter) => file(body, { breakAfter, chunked: true, ...(etag ? { etag } : {}) })),
    fc.constantFrom(429, 500, 503).map((code) => status(code)),
  );

describe('whatever a server does before it answers properly', () => {
  it('the file arrives as it is, at once or in a later call', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc
          .option(fc.constant('"one"'), { nil: undefined })
          .chain((etag) => fc.tuple(fc.constant(etag), fc.array(trouble(etag), { maxLength: 6 }))),
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        async ([etag, troubles], attempts, verified) => {
          const server = await startServer({ '/f': [...troubles, file(body, etag ? { etag } : {})] });
          const part = join(folder, `part-${run++}`);
          try {
            // Calls that give up leave a part for the next, as killed processes do.
            for (let call = 0; call <= troubles.length; call++) {
              const done = await downloadFile(`${server.url}/f`, part, { ...patient, attempts, verified }).then(
                () => true,
                (error: { code: string }) => (expect(error.code).toBe('DOWNLOAD_FAILED'), false),
              );
              if (done) break;
            }
            expect(readFileSync(part).equals(body)).toBe(true);
          } finally {
            await server.close();
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('any part of it arrives as it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(body.length - 1),
        fc.integer({ min: 1, max: body.length }),
        fc.array(fc.nat(50_000), { maxLength: 4 }),
        async (start, length, breaks) => {
          const end = Math.min(body.length, start + length);
          const server = await startServer({
            '/f': [...breaks.map((breakAfter) => file(body, { breakAfter })), file(body)],
          });
          try {
            const received = Buffer.alloc(end - start);
            for await (const { position, bytes } of readUrl(`${server.url}/f`, { start, end }, patient))
              received.set(bytes, position - start);
            expect(received.equals(body.subarray(start, end))).toBe(true);
          } finally {
            await server.close();
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('a file comes out of an archive as it went in, from a server and from disk', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(300_000), { minLength: 1, maxLength: 6 }), fc.nat(), async (sizes, pick) => {
        const files = sizes.map((size, index) => [`folder/${index}.onnx`, noise(size, index + 1)] as const);
        const archive = zip(Object.fromEntries(files));
        const [name, wanted] = files[pick % files.length]!;
        const member = name.slice('folder/'.length);
        const server = await startServer({ '/a.zip': file(archive) });
        try {
          await extractFromUrl(`${server.url}/a.zip`, patient, { member, destination: join(folder, 'from-url') });
          expect(readFileSync(join(folder, 'from-url')).equals(wanted)).toBe(true);
          writeFileSync(join(folder, 'a.zip'), archive);
          await extractFromFile(join(folder, 'a.zip'), { member, destination: join(folder, 'from-file') });
          expect(readFileSync(join(folder, 'from-file')).equals(wanted)).toBe(true);
        } finally {
          await server.close();
        }
      }),
      { numRuns: 20 },
    );
  });

  it(
    'an archive with any byte changed gives a file of the right size, for its hash to judge, or one error, ' +
      'and never hangs',
    async () => {
      const files = { 'a.onnx': noise(3000, 1), 'b.onnx': noise(2000, 2) };
      const archive = zip(files);
      // One of the changes gives the first member the name of the second: the result is then the whole first file, and
      // only its hash shows it.
      const renaming: [number, number] = [archive.lastIndexOf('a.onnx'), 'a'.charCodeAt(0) ^ 'b'.charCodeAt(0)];
      await fc.assert(
        fc.asyncProperty(fc.nat(archive.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
          const damaged = Buffer.from(archive);
          damaged[at]! ^= change;
          writeFileSync(join(folder, 'damaged.zip'), damaged);
          const code = await extractFromFile(join(folder, 'damaged.zip'), {
            member: 'b.onnx',
            destination: join(folder, 'b.onnx'),
          }).then(
            () => undefined,
            (error: { code: string }) => error.code,
          );
          const size = at === renaming[0] && change === renaming[1] ? 3000 : 2000;
          if (code === undefined) expect(readFileSync(join(folder, 'b.onnx')).length).toBe(size);
          else expect(code).toBe('ARCHIVE_INVALID');
        }),
        { numRuns: 200, examples: [renaming] },
      );
    },
  );
});
