import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { writeImage } from '@facedet/runtime-node';

/** Whether Debian's heif-enc is installed; says so where it is not. */
export function hasHeifEnc(): boolean {
  const found = spawnSync('heif-enc', ['--help']).error === undefined;
  if (!found) process.stderr.write('Tests of HEIC that need heif-enc are skipped: it is not installed.\n');
  return found;
}

const SIDE = 64;

/**
 * A HEIC as phones write it: flat tiles of 64 × 64 pixels beside each other, and quarter turns against the clock.
 * `path` is a name for files in between.
 */
export async function tiledHeic(
  path: string,
  colors: readonly (readonly [number, number, number])[],
  turns: number,
): Promise<Buffer> {
  const tiles: Buffer[] = [];
  let configuration: Buffer = Buffer.alloc(0);
  for (const color of colors) {
    const data = new Uint8Array(3 * SIDE * SIDE).map((_, i) => color[i % 3]!);
    await writeImage(`${path}.png`, { data, width: SIDE, height: SIDE, format: 'rgb' });
    execFileSync('heif-enc', ['-q', '90', '-o', `${path}.single`, `${path}.png`], { stdio: 'pipe' });
    const file = readFileSync(`${path}.single`);
    configuration = bodyOf(file, 'hvcC');
    tiles.push(bodyOf(file, 'mdat'));
  }
  for (const name of ['png', 'single']) rmSync(`${path}.${name}`);
  const ftyp = box('ftyp', Buffer.from('heic'), u(4, 0), Buffer.from('mif1heic'));
  const start = ftyp.length + index(configuration, tiles, 0, turns).length + 8;
  return Buffer.concat([ftyp, index(configuration, tiles, start, turns), box('mdat', ...tiles)]);
}

function index(configuration: Buffer, tiles: readonly Buffer[], start: number, turns: number): Buffer {
  const ids = tiles.map((_, i) => i + 1);
  const primary = tiles.length + 1;
  const whole = [SIDE * tiles.length, SIDE];
  const entry = (id: number, flags: number, type: string) =>
    box('infe', u(4, 0x02000000 + flags), u(2, id, 0), Buffer.from(`${type}\0`));
  const grid = Buffer.concat([Buffer.from([0, 0, 0, tiles.length - 1]), u(2, ...whole)]);
  const properties = box(
    'ipco',
    box('hvcC', configuration),
    box('ispe', u(4, 0, SIDE, SIDE)),
    box('ispe', u(4, 0, ...whole)),
    box('irot', Buffer.from([turns])),
  );
  const uses = [...ids.map((id) => [0, id, 2, 0x81, 2]), [0, primary, 2, 3, 0x84]].map((bytes) => Buffer.from(bytes));
  let offset = start;
  const places = tiles.map(({ length }, i) => {
    offset += length;
    return Buffer.concat([u(2, ids[i]!, 0, 0, 1), u(4, offset - length, length)]);
  });
  return box(
    'meta',
    u(4, 0),
    box('hdlr', u(4, 0, 0), Buffer.from('pict'), u(4, 0, 0, 0), Buffer.from([0])),
    box('pitm', u(4, 0), u(2, primary)),
    box('iinf', u(4, 0), u(2, primary), ...ids.map((id) => entry(id, 1, 'hvc1')), entry(primary, 0, 'grid')),
    box('iref', u(4, 0), box('dimg', u(2, primary, ids.length, ...ids))),
    box('iprp', properties, box('ipma', u(4, 0, primary), ...uses)),
    box('idat', grid),
    box(
      'iloc',
      u(4, 0x01000000),
      Buffer.from([0x44, 0]),
      u(2, primary),
      ...places,
      u(2, primary, 1, 0, 1),
      u(4, 0, grid.length),
    ),
  );
}

/** What the first box of a type holds. */
function bodyOf(file: Buffer, type: string): Buffer {
  const at = file.indexOf(type);
  return file.subarray(at + 4, at - 4 + file.readUInt32BE(at - 4));
}

function box(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([u(4, 8 + body.length), Buffer.from(type), body]);
}

function u(bytes: number, ...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(bytes * values.length);
  values.forEach((value, i) => buffer.writeUIntBE(value, i * bytes, bytes));
  return buffer;
}
