/**
 * Just enough of protobuf and ONNX to write small models for tests: no file of weights is needed. Fields are of
 * onnx.proto3.
 */

/**
 * A graph's value: its name, its shape (a string is a free dimension) and its ONNX element type (1 is float32, 7 is
 * int64).
 */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
  readonly type?: number;
}

/** One operator. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A model without attributes: enough for element-wise operators and constants. */
export interface OnnxModel {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly nodes: readonly OnnxNode[];
  /** float32 constants. */
  readonly constants?: readonly { name: string; shape: readonly number[]; data: readonly number[] }[];
}

/** The bytes of an ONNX file (IR version 8, opset 17). */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  const graph = [
    ...model.nodes.map((node) =>
      message(1, [...node.inputs.map((v) => text(1, v)), ...node.outputs.map((v) => text(2, v)), text(4, node.op)]),
    ),
    text(2, 'facedet-test'),
    ...(model.constants ?? []).map(({ name, shape, data }) =>
      message(5, [
        ...shape.map((d) => varint(1, d)),
        varint(2, 1),
        text(8, name),
        bytes(9, new Uint8Array(new Float32Array(data).buffer)),
      ]),
    ),
    ...model.inputs.map((v) => value(11, v)),
    ...model.outputs.map((v) => value(12, v)),
  ];
  return concat([varint(1, 8), text(2, 'facedet'), message(7, graph), message(8, [text(1, ''), varint(2, 17)])]);
}

function value(field: number, { name, shape, type = 1 }: OnnxValue): Uint8Array {
  const dimensions = shape.map((d) => message(1, [typeof d === 'number' ? varint(1, d) : text(2, d)]));
  return message(field, [text(1, name), message(2, [message(1, [varint(1, type), message(2, dimensions)])])]);
}

function varint(field: number, number: number): Uint8Array {
  return Uint8Array.from([...raw(field << 3), ...raw(number)]);
}

function text(field: number, string: string): Uint8Array {
  return bytes(
    field,
    Uint8Array.from(string, (c) => c.charCodeAt(0)),
  );
}

function message(field: number, parts: readonly Uint8Array[]): Uint8Array {
  return bytes(field, concat(parts));
}

function bytes(field: number, data: Uint8Array): Uint8Array {
  return concat([Uint8Array.from([...raw((field << 3) | 2), ...raw(data.length)]), data]);
}

function raw(number: number): number[] {
  const out: number[] = [];
  for (let rest = number; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) | 128);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
