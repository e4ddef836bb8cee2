import { isFaceDetError } from '@facedet/core';
import { createTrails } from '@facedet/draw';
import { createVideoDetector, type SmoothInput, type VideoFace, type VideoSmoother } from '@facedet/pipeline';
import { createDetector, type WebDetector, type WebFrame } from '@facedet/runtime-web';
import { createSmoother } from '@facedet/temporal';
import { anonymizeFile } from './anonymize.ts';
import { createChart } from './chart.ts';
import { element, messageOf, readSettings, save, type Settings } from './elements.ts';
import { createJitter } from './jitter.ts';
import { paint } from './paint.ts';
import { record, type Recording } from './recorder.ts';
import { cameraSource, fileSource, sceneSource, type Source } from './sources.ts';
import { createTimeline } from './timeline.ts';

/** Rows kept for the JSONL download: over an hour and a half at 10 frames per second. */
const MOST_ROWS = 60_000;

const form = element<HTMLFormElement>('settings');
const canvas = element<HTMLCanvasElement>('stage');
const context = canvas.getContext('2d', { willReadFrequently: true })!;
const [overlay, message] = [element('overlay'), element('message')];
const chart = createChart(element('chart'));
const timeline = createTimeline(element<HTMLCanvasElement>('timeline'), element<HTMLTableSectionElement>('tracks'));
const jitter = { raw: createJitter(), smooth: createJitter() };

let settings: Settings = readSettings(form);
let modelFile: File | null = null;
let detector: WebDetector | null = null;
let detectorKey = '';
let source: Source | null = null;
let run: AbortController | null = null;
let running: Promise<void> = Promise.resolve();
let rows: string[] = [];
let kept: { blob: Blob; rows: number }[] = [];
let recording: Recording | null = null;

/** Shows the viewer what went wrong; the rest of the page continues. */
function complain(error: unknown): void {
  message.textContent = messageOf(error);
  message.hidden = false;
}

function status(text: string | null): void {
  overlay.hidden = text === null;
  if (text !== null) overlay.textContent = text;
}

/** The detector for the current settings; the old one is used until the new one is ready. */
async function openDetector(signal: AbortSignal): Promise<WebDetector> {
  const key = [settings.model, settings.size, settings.provider].join();
  if (detector && key === detectorKey) return detector;
  status('Loading the model…');
  const model =
    settings.model === 'file' && modelFile ? new Uint8Array(await modelFile.arrayBuffer()) : modelFromAddress();
  const base = {
    ...(model ? { model } : {}),
    ...(settings.size === 'default' ? {} : { inputSize: Number(settings.size) }),
    wasmPaths: './ort/',
    signal,
    load: {
      onProgress: ({ received, total }: { received: number; total?: number }) =>
        status(total ? `Loading the model, ${Math.round((100 * received) / total)} %` : 'Loading the model…'),
    },
  };
  let opened: WebDetector;
  try {
    opened = await createDetector({ ...base, provider: settings.provider });
  } catch (error) {
    if (!isFaceDetError(error) || error.code !== 'PROVIDER_UNAVAILABLE') throw error;
    complain(error);
    opened = await createDetector({ ...base, provider: 'wasm' });
  }
  await detector?.dispose();
  detector = opened;
  detectorKey = key;
  showSelection(opened);
  return opened;
}

/** `?model=URL` tries weights from this site without a file dialog. */
function modelFromAddress(): URL | undefined {
  const given = new URLSearchParams(location.search).get('model');
  return given ? new URL(given, location.href) : undefined;
}

function showSelection({ selection: { provider, threads, reasons } }: WebDetector): void {
  element('selection').textContent =
    provider === 'webgpu' ? 'Running on WebGPU.' : `Running on WASM with ${threads} thread${threads === 1 ? '' : 's'}.`;
  element('reasons').replaceChildren(
    ...reasons.map((text) => Object.assign(document.createElement('li'), { textContent: text })),
  );
}

/** A smoother that can be switched off while it runs, and that keeps its input for comparison. */
function switchable(): VideoSmoother & { raw: readonly SmoothInput[] } {
  const inner = createSmoother();
  return {
    raw: [],
    smooth<T extends SmoothInput>(faces: readonly T[], timestamp: number): T[] {
      this.raw = faces;
      const smoothed = inner.smooth(faces, timestamp);
      jitter.raw.add(faces, timestamp);
      jitter.smooth.add(smoothed, timestamp);
      return settings.smooth ? smoothed : [...faces];
    },
    reset: () => inner.reset(),
    snapshot: () => inner.snapshot(),
    restore: (snapshot) => inner.restore(snapshot),
  };
}

/** Starts again with the current source and settings. */
function restart(): void {
  run?.abort();
  const controller = new AbortController();
  run = controller;
  running = running.then(() => (controller.signal.aborted ? undefined : watch(controller.signal)));
}

async function watch(signal: AbortSignal): Promise<void> {
  try {
    const current = await openDetector(signal).catch((error: unknown) => {
      // Offline, an invalid model, a missing GPU: the previous detector stays in use.
      if (!detector || signal.aborted) throw error;
      complain(error);
      return detector;
    });
    if (signal.aborted || !source) return;
    const smoother = switchable();
    const video = createVideoDetector({
      detector: current,
      // A camera and a video play on while the detector runs; the scene is rendered on demand.
      live: source.kind === 'camera' || source.kind === 'video',
      rotate: settings.rotate,
      ...(settings.track && source.kind !== 'picture'
        ? { tracker: { highScoreThreshold: settings.score }, smoother }
        : { tracker: false as const, displayThreshold: settings.score }),
    });
    forget();
    status(null);
    let last = performance.now();
    let fps = 0;
    let shownSelection = current.selection;
    for await (const { frame, faces, timestamp } of video.run(source.frames(signal), { signal })) {
      const begin = performance.now();
      paint(context, { frame: frame as WebFrame, faces, raw: smoother.raw, trails, settings });
      recording?.add(timestamp);
      const now = performance.now();
      fps += (1000 / Math.max(now - last, 1) - fps) * (fps ? 0.1 : 1);
      last = now;
      keep(frame, faces);
      const { track, smooth } = video.statistics.msPerFrame;
      chart.add({
        detect: current.lastTimes ? current.lastTimes.read + current.lastTimes.detect : 0,
        track: track + smooth,
        draw: now - begin,
        fps,
      });
      show(fps, faces, video.statistics.identities);
      timeline.add(
        faces.flatMap(({ id }) => (id === null ? [] : [id])),
        timestamp,
      );
      if (current.selection !== shownSelection) showSelection(current);
      shownSelection = current.selection;
    }
  } catch (error) {
    if (signal.aborted) return;
    complain(error);
    status('Stopped.');
  }
}

let trails = createTrails();

function forget(): void {
  rows = [];
  kept = [];
  trails = createTrails();
  jitter.raw.reset();
  jitter.smooth.reset();
  timeline.reset();
}

function keep(frame: WebFrame, faces: readonly VideoFace[]): void {
  rows.push(`${JSON.stringify({ frame: frame.index, timestamp: frame.timestamp, faces })}\n`);
  // Rows wait in blobs, which the browser keeps outside the page's heap and may put on disk.
  if (rows.length < 250) return;
  kept.push({ blob: new Blob(rows), rows: rows.length });
  rows = [];
  while (kept.reduce((n, part) => n + part.rows, 0) > MOST_ROWS) kept.shift();
}

let figuresShown = 0;

function show(fps: number, faces: readonly VideoFace[], tracks: number): void {
  // Numbers that change more often than four times per second can't be read.
  if (performance.now() - figuresShown < 250 && source?.kind !== 'picture') return;
  figuresShown = performance.now();
  const put = (id: string, text: string) => (element(id).textContent = text);
  put('figure-fps', source?.kind === 'picture' ? '–' : fps.toFixed(fps < 10 ? 1 : 0));
  put('figure-faces', String(faces.length));
  put('figure-tracks', settings.track && source?.kind !== 'picture' ? String(tracks) : '–');
  put('figure-raw', jitter.raw.value?.toFixed(2) ?? '–');
  put('figure-smooth', jitter.smooth.value?.toFixed(2) ?? '–');
  canvas.setAttribute('aria-label', `The picture, with ${faces.length} ${faces.length === 1 ? 'face' : 'faces'}`);
  canvas.dataset['faces'] = JSON.stringify(faces.map(({ id, box, score }) => ({ id, box, score })));
}

async function choose(kind: 'scene' | 'camera' | 'file', open: () => Source | Promise<Source>): Promise<void> {
  message.hidden = true;
  try {
    const next = await open();
    run?.abort();
    await running;
    source?.close();
    source = next;
    for (const name of ['scene', 'camera', 'file'])
      element(`source-${name}`).setAttribute('aria-pressed', String(name === kind));
    element('pause').setAttribute('aria-pressed', 'false');
  } catch (error) {
    complain(error);
    if (source) return;
    source = sceneSource();
  }
  restart();
}

const openFile = (file: File | null | undefined) => file && void choose('file', () => fileSource(file));
const pick = (input: HTMLInputElement, use: (file: File) => void) => {
  input.onchange = () => {
    const file = input.files?.[0];
    input.value = '';
    if (file) use(file);
  };
};

element('source-scene').onclick = () => void choose('scene', sceneSource);
element('source-camera').onclick = () => void choose('camera', cameraSource);
element('source-file').onclick = () => element<HTMLInputElement>('file').click();
pick(element<HTMLInputElement>('file'), openFile);

element('pause').onclick = ({ currentTarget }) => {
  const button = currentTarget as HTMLElement;
  const paused = button.getAttribute('aria-pressed') !== 'true';
  button.setAttribute('aria-pressed', String(paused));
  source?.pause(paused);
};

const drop = element('drop');
drop.ondragover = (event) => {
  event.preventDefault();
  drop.classList.add('over');
  element('hint').hidden = false;
};
drop.ondragleave = drop.ondragend = () => {
  drop.classList.remove('over');
  element('hint').hidden = true;
};
drop.ondrop = (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  element('hint').hidden = true;
  openFile(event.dataTransfer?.files[0]);
};

form.onsubmit = (event) => event.preventDefault();
form.oninput = ({ target }) => {
  const before = settings;
  settings = readSettings(form);
  element('score-value').textContent = settings.score.toFixed(2);
  const { name } = target as HTMLInputElement;
  if (name === 'model' && settings.model === 'file') {
    element<HTMLInputElement>('model-file').click();
    return;
  }
  // Settings that change only the drawing need no restart, except that a still picture has to be drawn again.
  const detectAgain = (['track', 'score', 'model', 'size', 'rotate', 'provider'] as const).some(
    (key) => before[key] !== settings[key],
  );
  if (detectAgain || source?.kind === 'picture') {
    message.hidden = true;
    restart();
  }
};
pick(element<HTMLInputElement>('model-file'), (file) => {
  modelFile = file;
  detectorKey = ''; // another file may have the same name
  message.hidden = true;
  restart();
});
element<HTMLInputElement>('model-file').oncancel = () => {
  (form.elements.namedItem('model') as HTMLSelectElement).value = 'default';
  settings = readSettings(form);
};

element('record').onclick = async ({ currentTarget }) => {
  const button = currentTarget as HTMLElement;
  try {
    if (!recording) {
      recording = await record(canvas);
      button.textContent = 'Stop and save';
      button.setAttribute('aria-pressed', 'true');
      return;
    }
    const ended = recording;
    recording = null;
    button.textContent = 'Record MP4';
    button.setAttribute('aria-pressed', 'false');
    const blob = await ended.finish();
    if (blob) save(blob, 'facedet.mp4');
  } catch (error) {
    recording = null;
    button.textContent = 'Record MP4';
    button.setAttribute('aria-pressed', 'false');
    complain(error);
  }
};
element('jsonl').onclick = () =>
  save(new Blob([...kept.map((part) => part.blob), ...rows], { type: 'application/jsonl' }), 'facedet.jsonl');

element('anonymize').onclick = () => element<HTMLInputElement>('anonymize-file').click();
pick(element<HTMLInputElement>('anonymize-file'), async (file) => {
  const controller = new AbortController();
  const button = element<HTMLButtonElement>('anonymize');
  element('job').hidden = false;
  button.disabled = true;
  element('job-cancel').onclick = () => controller.abort();
  source?.pause(true);
  try {
    const current = detector ?? (await openDetector(controller.signal));
    const effect = settings.hide === 'none' ? 'blur' : settings.hide;
    const { blob, name } = await anonymizeFile(file, current, {
      effect,
      rotate: settings.rotate,
      onProgress: (done, text) => {
        element<HTMLProgressElement>('job-progress').value = done;
        element('job-text').textContent = text;
      },
      signal: controller.signal,
    });
    save(blob, name);
    element('job-text').textContent = `${name} is saved. Check it before you share it.`;
    element<HTMLProgressElement>('job-progress').value = 1;
  } catch (error) {
    element('job').hidden = true;
    if (!controller.signal.aborted) complain(error);
  } finally {
    button.disabled = false;
    source?.pause(element('pause').getAttribute('aria-pressed') === 'true');
  }
});

const theme = element('theme');
const dark = matchMedia('(prefers-color-scheme: dark)');
const setTheme = (isDark: boolean) => {
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  theme.setAttribute('aria-pressed', String(isDark));
  chart.build();
  timeline.paint();
};
theme.onclick = () => setTheme(theme.getAttribute('aria-pressed') !== 'true');
dark.onchange = ({ matches }) => setTheme(matches);
setTheme(dark.matches);

void choose('scene', sceneSource);
