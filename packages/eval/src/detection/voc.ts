import { received } from '@facedet/checks';
import { XmlElement, XmlError, parseXml } from '@rgrove/parse-xml';
import { malformed } from '../text/file-errors.ts';
import { isCoordinate } from '../text/limits.ts';
import { parseNumber } from '../text/line-reader.ts';
import { withoutExtension } from './image-finder.ts';
import { type LabelOptions, type LabeledImage, checkLabel } from './labeled-image.ts';

/**
 * Parses the Pascal VOC annotations of one image: `object` elements with `bndbox`. `difficult` objects are ignored
 * faces. Corners are edges in pixels: x = xmin, width = xmax − xmin.
 *
 * @param file the file's path, which names the image.
 * @throws FaceDetError `MALFORMED_FILE` with the line for invalid XML, and for a missing or impossible number;
 * `INVALID_ARGUMENT` for an unknown option.
 */
export function parseVoc(xml: string, file: string, options: LabelOptions = {}): LabeledImage {
  const label = checkLabel(options);
  try {
    return parseImage(new VocFile(xml, file), label);
  } catch (cause) {
    // The parser recurses for each nested element, and so does the text of an element.
    if (!(cause instanceof RangeError)) throw cause;
    const found = 'elements nested thousands deep';
    throw malformed({ file, line: 1 }, 'objects with a name and a <bndbox>', found, cause);
  }
}

function parseImage(voc: VocFile, label: string | undefined): LabeledImage {
  const boxes: number[] = [];
  const ignored: number[] = [];
  for (const object of voc.root.children) {
    if (!(object instanceof XmlElement) || object.name !== 'object') continue;
    if (label !== undefined && childOf(object, 'name')?.text.trim() !== label) continue;
    const box = childOf(object, 'bndbox');
    if (!box) throw voc.error(object, '<bndbox> in <object>', 'none');
    const corner = (name: string): number => voc.numberOf(box, name);
    const [left, top, right, bottom] = [corner('xmin'), corner('ymin'), corner('xmax'), corner('ymax')];
    if (right < left || bottom < top)
      throw voc.error(box, 'xmin ≤ xmax and ymin ≤ ymax', `${left} ${top} ${right} ${bottom}`);
    boxes.push(left, top, right - left, bottom - top);
    ignored.push(childOf(object, 'difficult') && voc.numberOf(object, 'difficult') !== 0 ? 1 : 0);
  }
  const size = childOf(voc.root, 'size');
  return {
    name: withoutExtension(voc.file),
    boxes: Float64Array.from(boxes),
    ignored: Uint8Array.from(ignored),
    ...(size && { width: voc.numberOf(size, 'width'), height: voc.numberOf(size, 'height') }),
  };
}

function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((node): node is XmlElement => node instanceof XmlElement && node.name === name);
}

/** A parsed file, whose errors name the line of an element. */
class VocFile {
  readonly file: string;
  readonly root: XmlElement;
  readonly #xml: string;

  constructor(xml: string, file: string) {
    this.#xml = xml;
    this.file = file;
    this.root = rootOf(xml, file);
    if (this.root.name !== 'annotation') throw this.error(this.root, '<annotation>', `<${this.root.name}>`);
  }

  error(element: XmlElement, expected: string, found: string) {
    const line = this.#xml.slice(0, Math.max(0, element.start)).split('\n').length;
    return malformed({ file: this.file, line }, expected, found);
  }

  /** The number in a child element. */
  numberOf(element: XmlElement, name: string): number {
    const child = childOf(element, name);
    const value = parseNumber(child?.text.trim() ?? '');
    if (isCoordinate(value)) return value;
    const found = child ? received(child.text) : 'no such element';
    throw this.error(child ?? element, `a number in <${name}>`, found);
  }
}

function rootOf(xml: string, file: string): XmlElement {
  try {
    const { root } = parseXml(xml, { includeOffsets: true });
    if (root) return root;
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause;
    const found = received(cause.excerpt.trim() || 'the end of the file');
    throw malformed({ file, line: cause.line }, 'XML', found, cause);
  }
  throw malformed({ file, line: 1 }, '<annotation>', 'no element');
}
