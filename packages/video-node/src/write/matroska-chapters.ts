import { open } from 'node:fs/promises';
import type { Chapter } from '../read/chapters.ts';

// Element IDs of RFC 9559.
const ID = {
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  seek: 0x4dbb,
  seekId: 0x53ab,
  seekPosition: 0x53ac,
  void: 0xec,
  crc: 0xbf,
  chapters: 0x1043a770,
  edition: 0x45b9,
  atom: 0xb6,
  uid: 0x73c4,
  start: 0x91,
  end: 0x92,
  display: 0x80,
  text: 0x85,
  language: 0x437c,
} as const;
// The muxer reserves space after the seek head, which is before the first cluster.
const HEAD = 65_536;

/**
 * Appends chapters, in seconds of the file, to a finished Matroska or WebM file and adds them to its seek head. Returns
 * false, and changes nothing, if the file has no space reserved for the entry.
 */
export async function addMatroskaChapters(path: string, chapters: readonly Chapter[]): Promise<boolean> {
  const file = await open(path, 'r+');
  try {
    const { size: length } = await file.stat();
    const { buffer: head, bytesRead } = await file.read(
      Buffer.alloc(Math.min(HEAD, length)),
      0,
      Math.min(HEAD, length),
      0,
    );
    const ebml = readElement(head.subarray(0, bytesRead), 0);
    const segment = ebml && readElement(head, ebml.end);
    // The size of the segment must be an eight-byte field and must end with the file, so that it can be extended.
    if (!segment || segment.id !== ID.segment || segment.body - ebml.end !== 12 || segment.end !== length) return false;
    const list = readElement(head, segment.body);
    const room = list && readElement(head, list.end);
    if (!list || list.id !== ID.seekHead || !room || room.id !== ID.void || room.end > bytesRead) return false;
    let entries = head.subarray(list.body, list.end);
    const crc = readElement(entries, 0);
    if (crc?.id === ID.crc) entries = entries.subarray(crc.end);
    const entry = element(
      ID.seek,
      element(ID.seekId, idBytes(ID.chapters)),
      element(ID.seekPosition, uint(length - segment.body)),
    );
    const added = element(ID.chapters, element(ID.edition, ...chapters.map(atom)));
    const made = element(ID.seekHead, entries, entry);
    const left = room.end - segment.body - made.length;
    if (left < 9) return false;
    const filler = Buffer.alloc(left);
    filler[0] = ID.void;
    sizeBytes(left - 9, 8).copy(filler, 1);
    await file.write(added, 0, added.length, length);
    await file.write(Buffer.concat([made, filler]), 0, made.length + left, segment.body);
    await file.write(sizeBytes(length + added.length - segment.body, 8), 0, 8, segment.body - 8);
    return true;
  } finally {
    await file.close();
  }
}

function atom({ start, end, title }: Chapter, index: number): Buffer {
  const display = element(ID.display, element(ID.text, Buffer.from(title)), element(ID.language, Buffer.from('und')));
  const times = [element(ID.start, uint(start * 1e9)), element(ID.end, uint(end * 1e9))];
  return element(ID.atom, element(ID.uid, uint(index + 1)), ...times, display);
}

function readElement(bytes: Buffer, at: number): { id: number; body: number; end: number } | undefined {
  const idLength = Math.clz32(bytes[at] ?? 0) - 23;
  const sizeAt = at + idLength;
  const sizeLength = Math.clz32(bytes[sizeAt] ?? 0) - 23;
  const body = sizeAt + sizeLength;
  if (idLength > 4 || sizeLength > 8 || body > bytes.length) return undefined;
  let size = BigInt(bytes[sizeAt]! & (0xff >> sizeLength));
  for (let i = sizeAt + 1; i < body; i++) size = (size << 8n) | BigInt(bytes[i]!);
  return { id: bytes.readUIntBE(at, idLength), body, end: body + Number(size) };
}

function element(id: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([idBytes(id), sizeBytes(body.length, body.length < 127 ? 1 : 8), body]);
}

function idBytes(id: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(id);
  return bytes.subarray(id > 0xffffff ? 0 : id > 0xffff ? 1 : id > 0xff ? 2 : 3);
}

function sizeBytes(size: number, length: 1 | 8): Buffer {
  if (length === 1) return Buffer.from([0x80 | size]);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(size) | (1n << 56n));
  return bytes;
}

function uint(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(Math.round(value)));
  return bytes;
}
