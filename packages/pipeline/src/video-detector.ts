import { FaceDetError, packError, unpackError, type Box, type Detector, type Face, type Frame, type Landmarks } from '@facedet/core';
import { createSmoother } from '@facedet/temporal';
import { createTracker, type Track, type Tracker, type TrackerOptions } from '@facedet/tracker';
import { closeFrame, createFeed } from './feed.ts';
import { mendRows, type PendingRow } from './look-ahead.ts';
import { detectAround } from './refine.ts';
import { createSchedule, type ScheduleState } from './schedule.ts';
import { isCut, observed, signatureOf, type CutState, type Signature } from './shot-cut.ts';
import { createStatistics } from './statistics.ts';
import type { FrameResult, RunOptions, VideoDetector, VideoDetectorOptions, VideoFace, VideoSmoother, VideoSnapshot } from './types.ts';

/** What the detector said of one frame. */
interface Sight {
  readonly faces: readonly Face[];
  readonly signature: Signature | null;
  readonly error?: unknown;
}

/** What tracker and smoother made of it. */
type Followed = Pick<PendingRow, 'faces' | 'tentative' | 'unmatched' | 'looked'>;

/** A held-back row with the frame that it belongs to. */
interface Held<F extends Frame> {
  readonly frame: F;
  readonly row: PendingRow;
  /** What `row.error` is the data of. */
  readonly error: Error | undefined;
}

/** For how long a lost identity is looked for by crops, seconds: its prediction is worth little by then. */
const MISSED = 0.5;

/**
 * Puts detector, tracker and smoother in a line. State belongs to one video: `reset()` before the next.
 * Throws `INVALID_ARGUMENT` for options out of range or that contradict each other.
 */
export function createVideoDetector(options: VideoDetectorOptions): VideoDetector {
  const { detector, detectEvery = 1, lookAhead = 0, live = false, onError = 'stop', shotCuts = true, scoreThreshold = 0 } = options;
  checkOptions(options);
  const tracker = trackerOf(options.tracker);
  const smoother: VideoSmoother | null = options.smoother === false || !tracker ? null : (options.smoother ?? createSmoother());
  const refine = options.refine ? (options.refine === true ? {} : options.refine) : null;
  // A decision by results needs results: 'auto' looks ahead by this many frames at most.
  const lag = Math.max(2 * detector.concurrency, 2);
  // While each session looks at one key frame another waits for it, with the frames in between; many open frames would only cost memory.
  const limit = live ? detector.concurrency : detectEvery === 'auto' ? lag : Math.min(2 * detector.concurrency * detectEvery, Math.max(2 * detector.concurrency, 32));
  const schedule = createSchedule(detectEvery, lag);
  const statistics = createStatistics();

  const cutState: CutState = { last: null, usual: 0 };
  let landmarks = new Map<number, readonly number[]>();
  let shown = new Set<number>();
  let lastIndex = -1;
  let processed = -1;
  let pending: PendingRow[] = [];
  let chosen: ScheduleState = schedule.capture();

  async function look(frame: Frame, signal?: AbortSignal): Promise<Sight> {
    const begin = performance.now();
    let signature: Signature | null = null;
    try {
      const image = shotCuts && tracker ? observed(frame, (pixels) => (signature = signatureOf(pixels))) : frame;
      const faces = await detector.detect(image, signal ? { signal } : {});
      return { faces, signature };
    } catch (error) {
      signal?.throwIfAborted();
      return { faces: [], signature, error };
    } finally {
      statistics.spent('detect', performance.now() - begin);
    }
  }

  async function lookAround(frame: Frame, signal?: AbortSignal): Promise<Sight | null> {
    if (!refine || !tracker) return null;
    const begin = performance.now();
    try {
      const boxes = tracker.predict(frame.timestamp).filter((t) => t.state !== 'lost' || frame.timestamp - t.lastSeen < MISSED).map((t) => t.box);
      if (!boxes.length) return null;
      return { faces: await detectAround(detector, frame, boxes, refine, signal), signature: null };
    } catch (error) {
      signal?.throwIfAborted();
      return { faces: [], signature: null, error };
    } finally {
      statistics.spent('detect', performance.now() - begin);
    }
  }

  /**
   * One frame's way through tracker and smoother; no waiting, so that state and snapshot always belong together.
   * Throws what ends the run; the frame then counts as not processed.
   */
  function step<F extends Frame>(frame: F, sight: Sight | null, refined: boolean): Held<F> {
    const { index, timestamp } = frame;
    let error = sight && 'error' in sight ? skippable(sight.error, frame) : undefined;
    const cut = Boolean(sight?.signature && isCut(cutState, sight.signature));
    if (cut) endShot();
    let followed: Followed = { faces: [], tentative: [], unmatched: [], looked: false };
    try {
      followed = follow(frame, error ? null : sight);
    } catch (refusal) {
      // A box that isn't finite, a time that stands still: the tracker stays as it was.
      error ??= skippable(refusal, frame);
    }
    schedule.after(index, error || !tracker ? null : tracker.tracks);
    processed = index;
    return { frame, error, row: { index, timestamp, ...followed, nearby: [], refined, cut, ...(error ? { error: packError(error) } : {}) } };
  }

  function follow(frame: Frame, sight: Sight | null): Followed {
    const { timestamp } = frame;
    const looked = sight !== null;
    if (!tracker) {
      const faces = (sight?.faces ?? []).filter((f) => f.score >= scoreThreshold).map((f): VideoFace => ({ id: null, ...f, state: 'detected' }));
      return { faces, tentative: [], unmatched: [], looked };
    }
    const begin = performance.now();
    const tracks = looked ? tracker.update(sight.faces, timestamp) : tracker.predict(timestamp);
    if (looked) shown = new Set(tracks.filter((t) => t.state === 'tracked' && t.detection).map((t) => t.id));
    const faces = tracks.filter((t) => shown.has(t.id) && (looked || meets(t.box, frame))).map((t) => faceOf(t, looked));
    const tentative = looked ? tracks.filter((t) => t.state === 'tentative' && t.detection).map((t) => faceOf(t, true)) : [];
    const taken = new Set(tracks.map((t) => t.detectionIndex));
    if (looked) forget(tracks);
    statistics.spent('track', performance.now() - begin);
    return { faces: smooth(faces, timestamp), tentative, unmatched: looked ? sight.faces.filter((_, i) => !taken.has(i)) : [], looked };
  }

  function smooth(faces: readonly (VideoFace & { id: number })[], timestamp: number): VideoFace[] {
    if (!smoother) return [...faces];
    const begin = performance.now();
    const result = smoother.smooth(faces, timestamp);
    statistics.spent('smooth', performance.now() - begin);
    return result;
  }

  function faceOf(track: Track<Face>, looked: boolean): VideoFace & { id: number } {
    const { id, box, score, detection } = track;
    if (detection?.landmarks) landmarks.set(id, detection.landmarks.flatMap((p) => [(p.x - box.x) / box.width, (p.y - box.y) / box.height]));
    const relative = landmarks.get(id);
    const points = detection?.landmarks ?? (relative && ([0, 2, 4, 6, 8].map((k) => ({ x: box.x + relative[k]! * box.width, y: box.y + relative[k + 1]! * box.height })) as Landmarks));
    return { id, box, score, ...(points ? { landmarks: points } : {}), state: looked ? 'detected' : 'predicted' };
  }

  /** Keeps only what live tracks need, so that memory does not grow with the film. */
  function forget(tracks: readonly Track[]): void {
    if (landmarks.size <= 2 * tracks.length + 16) return;
    const alive = new Set(tracks.map((t) => t.id));
    landmarks = new Map([...landmarks].filter(([id]) => alive.has(id)));
  }

  function endShot(): void {
    tracker?.cut();
    smoother?.reset();
    landmarks.clear();
    shown.clear();
  }

  /** Throws an error that ends the run; one that is skipped it gives back, to be told with the frame's result. */
  function skippable(error: unknown, { index, timestamp }: Frame): Error {
    const verdict = typeof onError === 'function' ? onError(error, { index, timestamp }) : onError;
    if (verdict !== 'skip') throw error;
    return error instanceof Error ? error : new Error(String(error));
  }

  function resultOf<F extends Frame>({ frame, row, error }: Held<F>): FrameResult<F> {
    const { index, timestamp, faces, looked, cut } = row;
    const result: FrameResult<F> = { frame, index, timestamp, faces, others: [...row.tentative, ...row.unmatched, ...row.nearby], looked, cut, ...(error ? { error } : {}) };
    lastIndex = index;
    statistics.result(result, row.refined);
    return result;
  }

  async function process<F extends Frame>(frame: F, { signal }: { signal?: AbortSignal } = {}): Promise<FrameResult<F>> {
    statistics.begin();
    const key = await schedule.isKey(frame);
    const state = schedule.capture();
    const sight = key ? await look(frame, signal) : await lookAround(frame, signal);
    const held = step(frame, sight, !key && sight !== null);
    chosen = state;
    return resultOf(held);
  }

  async function* run<F extends Frame>(frames: AsyncIterable<F> | Iterable<F>, { signal, onProgress }: RunOptions = {}): AsyncGenerator<FrameResult<F>, void, undefined> {
    statistics.begin();
    // Rows that a snapshot brought along: their frames come again, but are not looked at again.
    const known = new Map(pending.map((row) => [row.index, row]));
    const seen = processed;
    const held: Held<F>[] = [];
    interface Plan {
      readonly key: boolean;
      readonly chosen: ScheduleState;
      readonly sight: Sight | null;
    }
    const stopped = new AbortController();
    const inner = signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal;
    let choice: Promise<Omit<Plan, 'sight'>> = Promise.resolve({ key: false, chosen });
    const feed = createFeed<F, Plan>(frames, {
      limit,
      live,
      onDrop: () => statistics.dropped(),
      onSource: (ms) => statistics.spent('source', ms),
      work(frame) {
        if (frame.index <= seen) return Promise.resolve({ key: false, chosen, sight: null });
        // One after the other: each choice rests on the last. Looks then overlap.
        const chose = (choice = choice.then(async () => ({ key: await schedule.isKey(frame), chosen: schedule.capture() })));
        return chose.then(async (plan) => ({ ...plan, sight: plan.key ? await look(frame, inner) : null }));
      },
    });

    async function* give(item: Held<F>): AsyncGenerator<FrameResult<F>, void, undefined> {
      const result = resultOf(item);
      pending = [...held.map((h) => h.row), ...known.values()];
      const begin = performance.now();
      try {
        yield result;
      } finally {
        statistics.spent('consumer', performance.now() - begin);
        closeFrame(item.frame);
      }
      onProgress?.(statistics.value);
    }

    try {
      for (;;) {
        signal?.throwIfAborted();
        const job = await orAborted(feed.next(), signal);
        if (!job) break;
        const { frame } = job;
        try {
          const plan = await orAborted(job.work, signal);
          if (frame.index <= seen) {
            // A frame of before: its row was held back, or it was given out already.
            const row = known.get(frame.index);
            if (row) held.push({ frame, row, error: row.error && unpackError(row.error) });
            else closeFrame(frame);
            known.delete(frame.index);
          } else {
            const sight = plan.key ? plan.sight : await orAborted(lookAround(frame, inner), signal);
            held.push(step(frame, sight, !plan.key && sight !== null));
            chosen = plan.chosen;
            if (lookAhead) mendRows(held.map((h) => h.row));
          }
        } catch (error) {
          if (held.at(-1)?.frame !== frame) closeFrame(frame);
          throw error;
        } finally {
          feed.release();
        }
        // Where times are no numbers, nothing waits for a later one.
        while (held.length && !(frame.timestamp - held[0]!.row.timestamp < lookAhead)) yield* give(held.shift()!);
      }
      while (held.length) yield* give(held.shift()!);
    } catch (error) {
      // What was seen before the source broke is still told, unless the caller wants no more.
      if (!signal?.aborted) while (held.length) yield* give(held.shift()!);
      throw error;
    } finally {
      stopped.abort();
      for (const { frame } of held.splice(0)) closeFrame(frame);
      await feed.stop();
    }
  }

  return {
    process,
    run,
    get statistics() {
      return statistics.value;
    },
    snapshot(): VideoSnapshot {
      return { version: 1, lastIndex, tracker: tracker?.snapshot() ?? null, smoother: smoother?.snapshot() ?? null, schedule: schedule.snapshot(chosen), pending: structuredClone(pending), landmarks: [...landmarks], shown: [...shown], processed, cut: { ...cutState } };
    },
    restore(snapshot) {
      if (!isSnapshot(snapshot) || (snapshot.tracker === null) !== (tracker === null)) {
        throw new FaceDetError('INVALID_SNAPSHOT', `Expected a snapshot of a video detector ${tracker ? 'with' : 'without'} a tracker, version 1, but received ${JSON.stringify(snapshot)?.slice(0, 80)}; start from the beginning instead.`);
      }
      if (tracker) tracker.restore(snapshot.tracker!);
      smoother?.restore(snapshot.smoother as never);
      schedule.restore(snapshot.schedule);
      chosen = schedule.capture();
      pending = structuredClone([...snapshot.pending]);
      landmarks = new Map(snapshot.landmarks);
      shown = new Set(snapshot.shown);
      ({ lastIndex, processed } = snapshot);
      Object.assign(cutState, snapshot.cut);
    },
    reset() {
      tracker?.reset();
      endShot();
      schedule.reset();
      chosen = schedule.capture();
      statistics.reset();
      Object.assign(cutState, { last: null, usual: 0 });
      pending = [];
      lastIndex = processed = -1;
    },
  };
}

/** Whether a value has all the parts of a snapshot; tracker and smoother check their own. */
function isSnapshot(value: Partial<VideoSnapshot> | null | undefined): value is VideoSnapshot {
  return value?.version === 1 && Boolean(value.schedule && value.cut) && [value.pending, value.landmarks, value.shown].every(Array.isArray) && Number.isInteger(value.lastIndex) && Number.isInteger(value.processed);
}

/** Whether any part of a predicted box is inside the frame: who left is not shown on his way. */
function meets(box: Box, frame: Frame): boolean {
  return box.x < frame.width && box.y < frame.height && box.x + box.width > 0 && box.y + box.height > 0;
}

function trackerOf(given: Tracker<Face> | TrackerOptions<Face> | false | undefined): Tracker<Face> | null {
  if (given === false) return null;
  return given && 'update' in given ? given : createTracker<Face>(given);
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  let listener: () => void = () => {};
  try {
    return await Promise.race([promise, new Promise<never>((_, reject) => {
      listener = () => reject(signal.reason as Error);
      if (signal.aborted) listener();
      else signal.addEventListener('abort', listener, { once: true });
    })]);
  } finally {
    signal.removeEventListener('abort', listener);
  }
}

function checkOptions({ detector, detectEvery = 1, lookAhead = 0, live, tracker, smoother, refine, scoreThreshold = 0 }: VideoDetectorOptions): void {
  const refuse = (message: string): never => {
    throw new FaceDetError('INVALID_ARGUMENT', message);
  };
  if (typeof (detector as Partial<Detector> | undefined)?.detect !== 'function') refuse('Expected a detector with detect() but received none; createDetector of a runtime makes one.');
  if (!(Number.isInteger(detector.concurrency) && detector.concurrency >= 1)) refuse(`Expected a positive integer for the detector's concurrency but received ${String(detector.concurrency)}; give 1 where it looks at one picture at a time.`);
  if (detectEvery !== 'auto' && !(Number.isInteger(detectEvery) && detectEvery >= 1)) refuse(`Expected a positive integer or 'auto' for detectEvery but received ${String(detectEvery)}.`);
  if (!(lookAhead >= 0 && lookAhead <= 60)) refuse(`Expected 0 to 60 seconds for lookAhead but received ${String(lookAhead)}; frames are kept open for that long.`);
  if (typeof refine === 'object' && !((refine.scale ?? 1) >= 1 && refine.scale !== Infinity)) refuse(`Expected a number of at least 1 for refine's scale but received ${String(refine.scale)}.`);
  if (!(scoreThreshold >= 0 && scoreThreshold <= 1)) refuse(`Expected a number in [0, 1] for scoreThreshold but received ${String(scoreThreshold)}.`);
  if (live && lookAhead) refuse('Expected either live or lookAhead but received both: live results are not held back.');
  if (tracker === false && (detectEvery !== 1 || refine || lookAhead || smoother)) refuse('Expected a tracker for detectEvery, refine, lookAhead and smoother but received tracker: false; without identities there is nothing to predict.');
}
