import type { Codec, CodecContext, HardwareDeviceContext } from 'node-av/lib';
import type { Ffmpeg } from './load.ts';

/**
 * Attaches a decoder to the first GPU that supports its codec; returns undefined if none does, and decoding stays in
 * software. Pictures are copied back to main memory (NV12, P010), where they are scaled and encoded.
 */
export function openHardware(ffmpeg: Ffmpeg, codec: Codec, context: CodecContext): HardwareDeviceContext | undefined {
  for (let index = 0; ; index++) {
    const config = codec.getHwConfig(index);
    if (!config) return undefined;
    if (!(config.methods & ffmpeg.constants.AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX)) continue;
    const device = new ffmpeg.HardwareDeviceContext();
    if (device.create(config.deviceType, null, null) < 0) continue;
    context.hwDeviceCtx = device;
    context.setHardwarePixelFormat(config.pixFmt);
    return device;
  }
}
