import { type XmlElement, XmlElement as Element, XmlError, parseXml } from '@rgrove/parse-xml';
import { FaceDetError } from '@facedet/core';
import { malformed } from '../text/malformed.ts';
import { type TruthImage, withoutSuffix } from './truth.ts';

/** Which objects of a file are faces. */
export interface LabelOptions {
  /** Only objects of this class (its name, in YOLO its number); by default all. */
  label?: string;
}

/**
 * Pascal VOC annotations of one image: `object` elements with `bndbox`. `difficult` objects are ignored faces. Corners are taken as
 * edges in pixels: x = xmin, width = xmax − xmin.
 *
 * @param file the file's path; its stem names the image.
 * @throws FaceDetError `MALFORMED_FILE` with the line for what is no XML, and for a missing or senseless number.
 */
export function parseVoc(xml: string, file: string, { label }: LabelOptions = {}): TruthImage {
  const root = rootOf(xml, file);
  const lineOf = (element: XmlElement): number => xml.slice(0, Math.max(0, element.start)).split('\n').length;
  const child = (element: XmlElement, name: string): XmlElement | undefined =>
    element.children.find((node): node is XmlElement => node instanceof Element && node.name === name);
  const number = (element: XmlElement, name: string): number => {
    const found = child(element, name);
    const value = found ? Number(found.text.trim() || Number.NaN) : Number.NaN;
    if (!Number.isFinite(value)) throw malformed(file, lineOf(found ?? element), `a number in <${name}>`, found ? JSON.stringify(found.text) : 'no such element');
    return value;
  };
  if (root.name !== 'annotation') throw malformed(file, lineOf(root), '<annotation>', `<${root.name}>`);
  const boxes: number[] = [];
  const ignored: number[] = [];
  for (const object of root.children) {
    if (!(object instanceof Element) || object.name !== 'object') continue;
    if (label !== undefined && child(object, 'name')?.text.trim() !== label) continue;
    const box = child(object, 'bndbox');
    if (!box) throw malformed(file, lineOf(object), '<bndbox> in <object>', 'none');
    const [left, top, right, bottom] = ['xmin', 'ymin', 'xmax', 'ymax'].map((name) => number(box, name)) as [number, number, number, number];
    if (right < left || bottom < top) throw malformed(file, lineOf(box), 'xmin ≤ xmax and ymin ≤ ymax', `${left} ${top} ${right} ${bottom}`);
    boxes.push(left, top, right - left, bottom - top);
    ignored.push(child(object, 'difficult') ? number(object, 'difficult') : 0);
  }
  const size = child(root, 'size');
  return {
    name: withoutSuffix(file),
    boxes: Float64Array.from(boxes),
    ignored: Uint8Array.from(ignored),
    ...(size && { width: number(size, 'width'), height: number(size, 'height') }),
  };
}

function rootOf(xml: string, file: string): XmlElement {
  try {
    const { root } = parseXml(xml, { includeOffsets: true });
    if (root) return root;
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause;
    throw malformed(file, cause.line, 'XML', cause.excerpt.trim() || 'the end of the file', cause);
  }
  throw new FaceDetError('MALFORMED_FILE', `${file}, line 1: expected <annotation>, got no element`);
}
