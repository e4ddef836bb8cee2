import type { Container } from './source.ts';

// Demuxers that read only the file itself. Playlists and scripts (ffconcat, HLS, DASH, SDP, IMF) and image2 number
// patterns refer to further files or hosts, and tty renders plain text: a file's content never selects them.
const PICTURES =
  'jpeg_pipe,png_pipe,webp_pipe,bmp_pipe,tiff_pipe,ppm_pipe,pgm_pipe,pgmyuv_pipe,pbm_pipe,pam_pipe,jpegxl_pipe,' +
  'j2k_pipe,qoi_pipe,gif,apng,webp_anim,jpegxl_anim,mov';
const VIDEOS =
  'mov,matroska,webm,avi,mpegts,mpeg,flv,gif,apng,webp_anim,jpegxl_anim,ogg,asf,mxf,nut,rm,wtv,dv,gxf,ivf,' +
  'yuv4mpegpipe,h264,hevc,vvc,av1,obu,m4v,mpegvideo,h263,h261,mjpeg,mpjpeg,vc1,vc1test,dirac,swf,3dostr,smjpeg,roq,' +
  'bink,nsv,lavf,cavsvideo,dnxhd,evc';
// Audio only: opened so that the error is VIDEO_NO_PICTURES instead of VIDEO_UNREADABLE.
const AUDIO = 'wav,w64,aiff,mp3,aac,flac,ac3,eac3,amr,caf,au,opus';

/** FFmpeg's `format_whitelist`: the demuxers for a source. URLs may also be playlists, which refer to other URLs. */
export function allowedFormats(source: Container): string {
  if (source.kind === 'lavfi') return 'lavfi';
  if (source.kind === 'camera') return source.format;
  if (source.kind === 'file' && source.picture) return PICTURES;
  const files = `${VIDEOS},${PICTURES},${AUDIO}`;
  return source.kind === 'stream' ? `${files},hls,dash,rtsp,sdp,rtp,live_flv` : files;
}

/** FFmpeg's `protocol_whitelist`: the protocols that a source, and whatever it refers to, may use. */
export function allowedProtocols(source: Container, further: readonly string[]): string {
  if (source.kind === 'file' || source.kind === 'pipe') return 'file';
  if (source.kind === 'stream') {
    const scheme = /^[a-z0-9+.-]+/i.exec(source.url)![0].toLowerCase();
    if (scheme.startsWith('rtsp')) return 'rtsp,rtsps,rtp,srtp,tcp,tls,udp';
    const asked = /^https?$/.test(scheme) ? [] : further.map((name) => name.toLowerCase());
    return ['http', 'https', 'httpproxy', 'tcp', 'tls', 'crypto', ...asked].join();
  }
  return 'file';
}
