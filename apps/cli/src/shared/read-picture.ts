import {
  blockOtherFormats,
  readImage,
  type PictureDecoder,
  type ReadImageOptions,
  type StillImage,
} from '@facedet/runtime-node';

/** FFmpeg's decoders, loaded when a picture needs them. */
const decodeByFfmpeg: PictureDecoder = async (bytes, options) => {
  const { decodeStillImage } = await import('@facedet/video-node');
  return decodeStillImage(bytes, options);
};

/** A picture in any format that the command reads. */
export async function readPicture(
  source: string | URL | Uint8Array,
  options: ReadImageOptions = {},
): Promise<StillImage> {
  await blockOtherFormats();
  return readImage(source, { ...options, decoders: [decodeByFfmpeg] });
}
