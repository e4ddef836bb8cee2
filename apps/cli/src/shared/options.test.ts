import { describe, expect, it } from 'vitest';
import { integerIn, numberIn, oneOf, parsePixels, parseRotate, parseSizes } from './options.ts';

describe('option values', () => {
  it('of --size are a longer side, a canvas or a list', () => {
    expect(parseSizes('640')).toEqual(640);
    expect(parseSizes('640x480')).toEqual({ width: 640, height: 480 });
    expect(parseSizes('320,640')).toEqual([320, 640]);
    expect(parseSizes('320, 640x640')).toEqual([320, { width: 640, height: 640 }]);
  });

  it.each(['', 'big', '640x', '0', '-640', '640x480x3', '640,', '31', '99999'])(
    'of --size %j is refused with an example',
    (text) => {
      expect(() => parseSizes(text)).toThrow(/640x480/);
    },
  );

  it('of --size that no canvas can have names the next that it can', () => {
    expect(() => parseSizes('630x470')).toThrow(/640x480/);
  });

  it('of --pixels may be short', () => {
    expect(parsePixels('409600')).toBe(409_600);
    expect(parsePixels('0.4M')).toBe(400_000);
    expect(parsePixels('400k')).toBe(400_000);
    expect(() => parsePixels('many')).toThrow(/409600/);
    expect(() => parsePixels('10')).toThrow(/1024/);
  });

  it('of --rotate are auto, degrees or a list of them', () => {
    expect(parseRotate('auto')).toBe('auto');
    expect(parseRotate('90')).toEqual([90]);
    expect(parseRotate('0, 90,270')).toEqual([0, 90, 270]);
    for (const text of ['', 'left', '-90', '91', '360', '0,', '90deg'])
      expect(() => parseRotate(text)).toThrow(/like 0,90,270/);
  });

  it('that are numbers are within their range', () => {
    expect(numberIn(0, 1)('.5')).toBe(0.5);
    for (const text of ['high', '', ' ', '1.1', '-0.1', 'NaN'])
      expect(() => numberIn(0, 1)(text)).toThrow(/from 0 to 1/);
    expect(integerIn(1)('3')).toBe(3);
    for (const text of ['0', '1.5', '1e3x', '']) expect(() => integerIn(1)(text)).toThrow(/at least 1/);
    expect(() => oneOf('a', 'b')('c')).toThrow(/one of a, b/);
  });
});
