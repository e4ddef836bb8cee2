import { describe, expect, it } from 'vitest';
import type { DetectOptions, Detector, Face, Frame, PixelBuffer, Rotate, Rotation } from '@facedet/core';
import { createOrientation } from './orientation.ts';
import type { VideoSnapshot } from './types.ts';
import { createVideoDetector } from './video-detector.ts';

const face = (rotation: Rotation, score = 0.9): Face => ({
  box: { x: 20, y: 20, width: 20, height: 20 },
  score,
  ...(rotation ? { rotation } : {}),
});

describe('createOrientation', () => {
  /** Asks and answers frame by frame; `truth` is the rotation in which faces are found, or null for none. */
  function play(
    frames: number,
    truth: (index: number) => Rotation | null,
    { lag = 4, cuts = [] as number[], fps = 25 } = {},
  ): Rotate[] {
    const orientation = createOrientation('auto', lag);
    const asked: Rotate[] = [];
    for (let i = 0; i < frames + lag; i++) {
      if (i < frames) asked.push(orientation.choose({ index: i, timestamp: i / fps }));
      const done = i - lag + 1;
      if (done < 0 || done >= frames) continue;
      const rotation = truth(done);
      const found = rotation !== null && (asked[done] === 'auto' || asked[done] === rotation) ? [face(rotation)] : [];
      orientation.after({ index: done, timestamp: done / fps }, found, cuts.includes(done));
    }
    return asked;
  }

  it(
    'finds the orientation in the first frames and keeps it; upright is not checked again while sure faces ' +
      'are found',
    () => {
      const asked = play(500, () => 0);
      expect(asked.slice(0, 4)).toEqual(['auto', 'auto', 'auto', 'auto']);
      expect(asked.slice(4).every((rotate) => rotate === 0)).toBe(true);
    },
  );

  it('keeps a turned orientation, and checks it every five seconds', () => {
    const asked = play(500, () => 90);
    expect(asked.slice(4, 100).every((rotate) => rotate === 90)).toBe(true);
    const checks = asked.slice(4).filter((rotate) => rotate === 'auto').length;
    expect(checks).toBeGreaterThanOrEqual(3);
    expect(checks).toBeLessThanOrEqual(4);
    expect(asked.every((rotate) => rotate === 'auto' || rotate === 90)).toBe(true);
  });

  it('asks a scene without faces every two seconds', () => {
    const checks = play(500, () => null)
      .slice(4)
      .filter((rotate) => rotate === 'auto').length;
    expect(checks).toBe(9);
  });

  it('finds a new orientation after a shot cut, within the frames that were decided before it', () => {
    const asked = play(200, (index) => (index < 100 ? 0 : 270), { cuts: [100] });
    expect(asked.slice(104, 108)).toContain('auto');
    expect(asked.slice(109).every((rotate) => rotate === 270)).toBe(true);
  });

  it('finds a camera that is turned within a shot, in three seconds', () => {
    const asked = play(300, (index) => (index < 100 ? 0 : 90));
    const found = asked.findIndex((rotate) => rotate === 90);
    expect(found).toBeGreaterThan(100);
    expect(found).toBeLessThanOrEqual(100 + 3 * 25 + 4);
  });

  describe('retry', () => {
    const at = (index: number) => ({ index, timestamp: index / 25 });
    const never = () => false;
    function afterFaces(rotation: Rotation, count = 10): ReturnType<typeof createOrientation> {
      const orientation = createOrientation('auto', 4);
      for (let i = 0; i < count; i++) orientation.after(at(i), [face(rotation)], false);
      return orientation;
    }

    it(
      'leaves frames as they are that show a face the right way up, were read in all orientations, or come ' + 'first',
      () => {
        expect(afterFaces(0).retry(at(10), 0, [face(0)], () => true)).toBe(null);
        expect(afterFaces(0).retry(at(10), 'auto', [], () => true)).toBe(null);
        expect(createOrientation('auto', 4).retry(at(0), 0, [], () => true)).toBe(null);
        expect(createOrientation([0, 90], 4).retry(at(0), [0, 90], [], () => true)).toBe(null);
      },
    );

    it('has all orientations tried after a shot cut, unless a face is surely read the right way up', () => {
      expect(afterFaces(0).retry(at(10), 0, [], () => true)).toBe('auto');
      expect(afterFaces(0).retry(at(10), 0, [face(0, 0.7)], () => true)).toBe('auto');
      expect(afterFaces(90).retry(at(10), 90, [face(90, 0.7)], () => true)).toBe('auto');
    });

    it('has a frame read in the orientation that was found after it was decided for', () => {
      expect(afterFaces(180).retry(at(10), 0, [], never)).toBe(180);
      expect(afterFaces(180).retry(at(10), 0, [face(0, 0.7)], never)).toBe(180);
      expect(afterFaces(0).retry(at(10), 180, [], never)).toBe(0);
    });

    it('has all orientations tried when sure faces are gone, and after a failure not within half a second', () => {
      const orientation = afterFaces(0);
      expect(orientation.retry(at(10), 0, [face(0, 0.4)], never)).toBe('auto');
      orientation.after(at(10), [], false);
      const asked: Rotate[] = [];
      for (let i = 11; i < 200; i++) {
        // A face at the limit of what is sure: it comes and goes.
        const faces = i % 2 ? [face(0, 0.62)] : [];
        const again = orientation.retry(at(i), 0, faces, never);
        if (again !== null) asked.push(again);
        orientation.after(at(i), faces, false);
      }
      expect(asked.every((rotate) => rotate === 'auto')).toBe(true);
      // 7.6 seconds, a failure at most every 0.5 seconds.
      expect(asked.length).toBeGreaterThanOrEqual(10);
      expect(asked.length).toBeLessThanOrEqual(15);
    });

    it('has all orientations tried twice in the first second without a sure face, then leaves it to choose', () => {
      const orientation = afterFaces(0);
      const asked: number[] = [];
      for (let i = 10; i < 100; i++) {
        if (orientation.retry(at(i), 0, [], never) !== null) asked.push(i);
        orientation.after(at(i), [], false);
      }
      expect(asked).toEqual([10, 23]);
    });

    it('follows a camera that goes on turning', () => {
      const orientation = afterFaces(0);
      for (const rotation of [45, 90, 135] as const) {
        expect(orientation.retry(at(10 + rotation), orientation.current, [], never)).toBe('auto');
        orientation.after(at(10 + rotation), [face(rotation)], false);
        expect(orientation.current).toBe(rotation);
      }
    });
  });

  it('goes on from a snapshot as if there had been no break', () => {
    const one = createOrientation('auto', 2);
    const answers = (orientation: typeof one, from: number, to: number) => {
      const asked: Rotate[] = [];
      for (let i = from; i < to; i++) {
        asked.push(orientation.choose({ index: i, timestamp: i / 25 }));
        orientation.after({ index: i, timestamp: i / 25 }, i % 90 < 40 ? [face(180)] : [], i % 70 === 0);
      }
      return asked;
    };
    answers(one, 0, 57);
    const two = createOrientation('auto', 2);
    two.restore(JSON.parse(JSON.stringify(one.snapshot(one.capture()))) as ReturnType<typeof one.snapshot>);
    expect(answers(two, 57, 400)).toEqual(answers(one, 57, 400));
  });
});

describe('rotate of a video detector', () => {
  const frames = (count: number): Frame[] =>
    Array.from({ length: count }, (_, index): Frame => ({
      width: 64,
      height: 64,
      format: 'gray',
      data: new Uint8Array(64 * 64).fill(100),
      index,
      timestamp: index / 25,
    }));

  /** Finds one face, where it is asked for the right orientation. */
  function turned(rotation: Rotation, log: DetectOptions[]): Detector {
    const detect = async (_: unknown, options: DetectOptions = {}) => {
      log.push(options);
      const asked = options.rotate;
      return asked === 'auto' || asked === rotation || (Array.isArray(asked) && asked.includes(rotation))
        ? [face(rotation)]
        : [];
    };
    return {
      concurrency: 1,
      detect,
      detectBatch: async (images, options) =>
        Promise.all((images as PixelBuffer[]).map((image) => detect(image, options))),
      warmup: async () => {},
      drain: async () => {},
      dispose: async () => {},
    };
  }

  it("tracks faces of a film turned by 90°; the detector runs with 'auto' in the first frames only", async () => {
    const log: DetectOptions[] = [];
    const pipeline = createVideoDetector({ detector: turned(90, log) });
    let shown = 0;
    for await (const { faces } of pipeline.run(frames(60))) shown += faces.length;
    expect(shown).toBe(60);
    expect(log.filter(({ rotate }) => rotate === 'auto').length).toBeLessThanOrEqual(2);
    expect(log.slice(2).every(({ rotate }) => rotate === 90)).toBe(true);
  });

  describe.each([1, 8])('with %i images at once', (concurrency) => {
    /** A film of shots of 40 frames, each bright or dark all over, whose faces are turned by `rotations`. */
    function film(rotations: readonly Rotation[]): { detector: Detector; source: Frame[] } {
      const source = Array.from({ length: 40 * rotations.length }, (_, index): Frame => {
        const data = Uint8Array.from({ length: 64 * 64 }, (_, i) =>
          Math.floor(index / 40) % 2 ? (i % 64) * 3 : 190 - Math.floor(i / 64) * 3,
        );
        return { width: 64, height: 64, format: 'gray', data, index, timestamp: index / 25 };
      });
      const detect: Detector['detect'] = async (image, { rotate } = {}) => {
        const rotation = rotations[Math.floor((image as Frame).index / 40)]!;
        return rotate === 'auto' || rotate === rotation ? [face(rotation)] : [];
      };
      const detector: Detector = {
        concurrency,
        detect,
        detectBatch: async (images, options) => Promise.all(images.map((image) => detect(image, options))),
        warmup: async () => {},
        drain: async () => {},
        dispose: async () => {},
      };
      return { detector, source };
    }

    it.each([{}, { detectEvery: 4 }, { shotCuts: false }, { tracker: false as const }])(
      'shows the faces of every frame of a film whose shots are turned differently: %j',
      async (options) => {
        const { detector, source } = film([0, 180, 90, 0]);
        const missing: number[] = [];
        let cuts = 0;
        for await (const { faces, index, cut } of createVideoDetector({ detector, ...options }).run(source)) {
          if (faces.length === 0) missing.push(index);
          if (cut) cuts++;
        }
        expect(missing).toEqual([]);
        if (!('shotCuts' in options) && !('tracker' in options)) expect(cuts).toBe(3);
      },
    );

    it('does so frame by frame, too', async () => {
      const { detector, source } = film([0, 180, 90, 0]);
      const pipeline = createVideoDetector({ detector });
      for (const frame of source) expect((await pipeline.process(frame)).faces, `frame ${frame.index}`).toHaveLength(1);
    });
  });

  it('asks for what the option says, in every frame and crop', async () => {
    for (const rotate of [0, 180, [0, 90]] as const) {
      const log: DetectOptions[] = [];
      const pipeline = createVideoDetector({ detector: turned(0, log), rotate, detectEvery: 3, refine: true });
      for await (const _ of pipeline.run(frames(12)));
      expect(log.length).toBeGreaterThanOrEqual(4);
      expect(log.every((options) => options.rotate === rotate)).toBe(true);
    }
  });

  it('is by default what the detector was made with', async () => {
    const log: DetectOptions[] = [];
    const pipeline = createVideoDetector({ detector: { ...turned(0, log), rotate: [0] } });
    for await (const _ of pipeline.run(frames(6)));
    expect(log).toHaveLength(6);
    expect(log.every(({ rotate }) => JSON.stringify(rotate) === '[0]')).toBe(true);
  });

  it('asks for the orientation of the shot in crops', async () => {
    const log: DetectOptions[] = [];
    const pipeline = createVideoDetector({ detector: turned(270, log), detectEvery: 4, refine: true });
    for await (const _ of pipeline.run(frames(24)));
    const crops = log.filter(({ inputSize }) => inputSize !== undefined);
    expect(crops.length).toBeGreaterThan(10);
    expect(crops.every(({ rotate }) => rotate === 270)).toBe(true);
  });

  it('is part of a snapshot', async () => {
    const pipeline = createVideoDetector({ detector: turned(90, []) });
    let snapshot: VideoSnapshot | undefined;
    for await (const { index } of pipeline.run(frames(20)))
      if (index === 9) snapshot = JSON.parse(JSON.stringify(pipeline.snapshot())) as VideoSnapshot;
    const log: DetectOptions[] = [];
    const second = createVideoDetector({ detector: turned(90, log) });
    second.restore(snapshot!);
    let shown = 0;
    for await (const { faces } of second.run(frames(20))) shown += faces.length;
    expect(shown).toBe(10);
    expect(log.every(({ rotate }) => rotate === 90)).toBe(true);
    expect(() => second.restore({ ...snapshot!, orientation: { probed: 'x', verdicts: [] } as never })).toThrow(
      expect.objectContaining({ code: 'INVALID_SNAPSHOT' }),
    );
  });

  it.each([91, [], 'left', -90, [0, 360]])('%j is refused', (rotate) => {
    expect(() => createVideoDetector({ detector: turned(0, []), rotate: rotate as Rotate })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('rotate') }),
    );
  });
});
