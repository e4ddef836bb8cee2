/** An element of the page by its id; the page and the script are written for one another. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`Expected an element #${id} in the page.`);
  return found as T;
}

/** What the viewer has set; `score`, the lowest that is shown, is in [0, 1]. */
export interface Settings {
  track: boolean;
  smooth: boolean;
  compare: boolean;
  score: number;
  boxes: boolean;
  labels: boolean;
  landmarks: boolean;
  trails: boolean;
  hide: 'none' | 'blur' | 'pixelate' | 'solid' | 'emoji';
  model: 'default' | 'file';
  /** The canvas: the detector's default, or the longer side in pixels. */
  size: 'default' | '320' | '480' | '640';
  /** Degrees by which pictures are turned clockwise before detection. */
  rotate: 'auto' | 0 | 90 | 180 | 270;
  provider: 'auto' | 'webgpu' | 'wasm';
}

/** The current settings of the form. */
export function readSettings(form: HTMLFormElement): Settings {
  const data = new FormData(form);
  const on = (name: string) => data.has(name);
  const text = (name: string) => String(data.get(name));
  return {
    track: on('track'),
    smooth: on('smooth'),
    compare: on('compare'),
    score: Number(text('score')),
    boxes: on('boxes'),
    labels: on('labels'),
    landmarks: on('landmarks'),
    trails: on('trails'),
    hide: text('hide') as Settings['hide'],
    model: text('model') as Settings['model'],
    size: text('size') as Settings['size'],
    rotate: (text('rotate') === 'auto' ? 'auto' : Number(text('rotate'))) as Settings['rotate'],
    provider: text('provider') as Settings['provider'],
  };
}

/** Offers a blob as a download. */
export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  Object.assign(link, { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** What an error says, without its class. */
export function messageOf(error: unknown): string {
  if (error instanceof DOMException && error.name === 'NotAllowedError')
    return 'The camera was not allowed. Allow it beside the address of this page, or watch the scene instead.';
  if (error instanceof DOMException && error.name === 'NotFoundError')
    return 'No camera was found. Plug one in, or watch the scene instead.';
  return error instanceof Error ? error.message : String(error);
}
