import { clahe } from './clahe.ts';
import type { InputTensor } from './input-tensors.ts';
import type { PassPixels } from './pass.ts';
import { resizeInto } from './resize.ts';
import { rotateQuarter, sampleRotated } from './rotation.ts';
import type { DetectionSettings } from './settings.ts';
import { fillTensor, padTensor, type TensorSlot } from './tensor.ts';
import type { PixelBuffer } from './types.ts';
import { isQuarterTurn, swapsSides, type View } from './view.ts';

/** Writes the pixels of views into input tensors: scaled, equalized, rotated, normalized and padded. */
export class Preprocessor {
  readonly #clahe: DetectionSettings['clahe'];
  readonly #padding: number;
  /** Reused between calls. */
  #scaled = new Uint8Array(0);
  #rotated = new Uint8Array(0);

  constructor({ clahe: equalization, preset }: Pick<DetectionSettings, 'clahe' | 'preset'>) {
    this.#clahe = equalization;
    // The paper's evaluation pads after normalization, InsightFace's runtime with black before it.
    this.#padding = preset === 'paper' ? 0 : -127.5 / 128;
  }

  /** Writes a view into the slot of the tensor's batch. */
  write(input: InputTensor, place: number, view: View, { pixels, crop }: PassPixels): void {
    const { inputWidth, inputHeight, width, height } = view;
    const offset = place * 3 * inputWidth * inputHeight;
    const slot: TensorSlot = { data: input.data, offset, inputWidth, inputHeight, width, height };
    input.tables =
      this.#clahe || view.rotation !== 0
        ? fillTensor(slot, this.#prepare(view, pixels, crop), null, input.tables)
        : fillTensor(slot, pixels, crop, input.tables);
    const last = input.imageSizes[place]!;
    if (last.width !== width || last.height !== height) {
      padTensor(slot, this.#padding);
      input.imageSizes[place] = { width, height };
    }
  }

  /** The view's pixels as packed RGB at their size in the input, equalized and rotated. */
  #prepare(view: View, pixels: PixelBuffer, crop: PassPixels['crop']): PixelBuffer {
    const { width, height, rotation } = view;
    const bytes = width * height * 3;
    if (this.#scaled.length < bytes) this.#scaled = new Uint8Array(bytes);
    if (!isQuarterTurn(rotation)) return this.#equalize(sampleRotated(pixels, crop, view, this.#scaled));
    const size = swapsSides(rotation) ? { width: height, height: width } : { width, height };
    const scaled = this.#equalize(resizeInto(this.#scaled, pixels, size, crop ?? undefined));
    if (rotation === 0) return scaled;
    if (this.#rotated.length < bytes) this.#rotated = new Uint8Array(bytes);
    return rotateQuarter(scaled, rotation, this.#rotated);
  }

  #equalize(pixels: PixelBuffer): PixelBuffer {
    if (this.#clahe) clahe(pixels, this.#clahe);
    return pixels;
  }
}
