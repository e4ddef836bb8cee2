import { checkOptionNames, FaceDetError, received } from '@facedet/checks';
import { type XmlElement, XmlElement as Element, XmlError, parseXml } from '@rgrove/parse-xml';
import { isCoordinate } from '../text/limits.ts';
import { malformed } from '../text/malformed.ts';
import { type TruthImage, withoutSuffix } from './truth.ts';

/** Which objects of a file are faces. */
export interface LabelOptions {
  /** Only objects of this class (its name, in YOLO its number); by default all. */
  label?: string;
}

/** The options, checked; throws `INVALID_ARGUMENT`. */
export function checkLabel(options: LabelOptions): LabelOptions {
  checkOptionNames(options, ['label']);
  const { label } = options;
  if (label === undefined || typeof label === 'string') return options;
  throw new FaceDetError('INVALID_ARGUMENT', `Expected the name of a class for label but received ${received(label)}.`);
}

/**
 * Pascal VOC annotations of one image: `object` elements with `bndbox`. `difficult` objects are ignored faces. Corners
 * are taken as edges in pixels: x = xmin, width = xmax − xmin.
 *
 * @param file the file's path; its stem names the image.
 * @throws FaceDetError `MALFORMED_FILE` with the line for invalid XML, and for a missing or impossible number;
 * `INVALID_ARGUMENT` for an unknown option.
 */
export function parseVoc(xml: string, file: string, options: LabelOptions = {}): TruthImage {
  const { label } = checkLabel(options);
  try {
    return imageOf(xml, file, label);
  } catch (cause) {
    // The parser calls itself for each element within another, and so does the text of an element.
    if (!(cause instanceof RangeError)) throw cause;
    throw malformed(file, 1, 'objects with a name and a <bndbox>', 'elements nested thousands deep', cause);
  }
}

function imageOf(xml: string, file: string, label: string | undefined): TruthImage {
  const root = rootOf(xml, file);
  const lineOf = (element: XmlElement): number => xml.slice(0, Math.max(0, element.start)).split('\n').length;
  const child = (element: XmlElement, name: string): XmlElement | undefined =>
    element.children.find((node): node is XmlElement => node instanceof Element && node.name === name);
  const number = (element: XmlElement, name: string): number => {
    const found = child(element, name);
    const text = found?.text.trim() ?? '';
    const value = /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if (!isCoordinate(value))
      throw malformed(
        file,
        lineOf(found ?? element),
        `a number in <${name}>`,
        found ? received(found.text) : 'no such element',
      );
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
    const [left, top, right, bottom] = ['xmin', 'ymin', 'xmax', 'ymax'].map((name) => number(box, name)) as [
      number,
      number,
      number,
      number,
    ];
    if (right < left || bottom < top)
      throw malformed(file, lineOf(box), 'xmin ≤ xmax and ymin ≤ ymax', `${left} ${top} ${right} ${bottom}`);
    boxes.push(left, top, right - left, bottom - top);
    ignored.push(child(object, 'difficult') && number(object, 'difficult') !== 0 ? 1 : 0);
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
    throw malformed(file, cause.line, 'XML', received(cause.excerpt.trim() || 'the end of the file'), cause);
  }
  throw malformed(file, 1, '<annotation>', 'no element');
}
