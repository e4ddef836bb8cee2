import { FaceDetError } from '@facedet/checks';
import { augment, createProblem, type AssignmentProblem } from './assignment.ts';
import { createOverlapFinder, type BoxSelection } from './overlap.ts';

/** The cost of matching a track and a detection, both given by their positions in the selections. */
export type PairCost = (track: number, detection: number, iou: number) => number;

/** One association of tracks and detections, and where its result goes. */
export interface AssociationProblem {
  readonly tracks: BoxSelection;
  readonly detections: BoxSelection;
  readonly cost: PairCost;
  /** Pairs that do not cost less stay unmatched, as in `assign`. */
  readonly costLimit: number;
  /** Result, by position of the track: the position of its detection, or -1. */
  readonly assigned: Int32Array;
  /** By position of the track, pixels: how far away from its box detections are considered. Default: overlap only. */
  readonly margins?: Float64Array | undefined;
}

/** Matches tracks and detections; made once per tracker, so that its buffers are reused. */
export type Association = ReturnType<typeof createAssociation>;

/** Most candidate pairs of one association, and most cells of one component's matrix: about 100 MB, some seconds. */
const MAX_PAIRS = 1 << 22;

/** The pairs that cost less than the limit, by their positions in the selections: the first `count` of each array. */
interface CandidatePairs {
  count: number;
  readonly tracks: number[];
  readonly detections: number[];
  readonly costs: number[];
}

/** Connected components of the graph whose nodes are the tracks, then the detections, and whose edges are the pairs. */
interface Components {
  /** Union-find forest over the nodes. */
  parent: Int32Array;
  /** By root: where the pairs of its component start in `order`. */
  starts: Int32Array;
  /** Pairs sorted by component. */
  order: Int32Array;
}

/** What one component is solved in. */
interface ComponentSolver {
  /** By node: its row or column in the component's cost matrix, or -1. */
  matrixIndex: Int32Array;
  /** The component's tracks and detections. */
  readonly tracks: number[];
  readonly detections: number[];
  problem: AssignmentProblem;
}

/**
 * Creates `associate`, which matches two selections of boxes at the minimum total cost under a limit (see `assign`).
 * The candidate pairs fall into connected components, which are solved one by one: the optimum of the whole at the cost
 * of its parts.
 *
 * `associate` throws `TOO_DENSE` where more than 4 million pairs are connected.
 */
export function createAssociation() {
  const visitOverlaps = createOverlapFinder();
  const pairs: CandidatePairs = { count: 0, tracks: [], detections: [], costs: [] };
  const components: Components = {
    parent: new Int32Array(0),
    starts: new Int32Array(0),
    order: new Int32Array(0),
  };
  const solver: ComponentSolver = {
    matrixIndex: new Int32Array(0),
    tracks: [],
    detections: [],
    problem: createProblem(0, 0),
  };

  function associate(problem: AssociationProblem): void {
    const { tracks, detections, cost, costLimit, assigned, margins } = problem;
    assigned.fill(-1, 0, tracks.count);
    pairs.count = 0;
    const collect = (track: number, detection: number, iou: number) => {
      const c = cost(track, detection, iou);
      if (!(c < costLimit)) return;
      if (pairs.count >= MAX_PAIRS) throw tooDense(tracks.count, detections.count);
      pairs.tracks[pairs.count] = track;
      pairs.detections[pairs.count] = detection;
      pairs.costs[pairs.count++] = c;
    };
    visitOverlaps(tracks, detections, collect, margins);
    if (pairs.count === 0) return;

    const nodes = tracks.count + detections.count;
    findComponents(components, pairs, tracks.count, nodes);
    if (solver.matrixIndex.length < nodes) solver.matrixIndex = new Int32Array(nodes * 2);
    solver.matrixIndex.fill(-1, 0, nodes);
    const { starts, order } = components;
    for (let root = 0; root < nodes; root++) {
      const begin = starts[root]!;
      const end = starts[root + 1]!;
      if (end - begin === 1) assigned[pairs.tracks[order[begin]!]!] = pairs.detections[order[begin]!]!;
      else if (end > begin) solveComponent(solver, pairs, order.subarray(begin, end), problem);
    }
  }

  return { associate, visitOverlaps };
}

/** Sorts the pairs by connected component. */
function findComponents(components: Components, pairs: CandidatePairs, trackCount: number, nodes: number): void {
  const { tracks, detections, count } = pairs;
  if (components.parent.length < nodes) {
    components.parent = new Int32Array(nodes * 2);
    components.starts = new Int32Array(nodes * 2 + 1);
  }
  if (components.order.length < count) components.order = new Int32Array(count * 2);
  const { parent, starts, order } = components;
  for (let node = 0; node < nodes; node++) parent[node] = node;
  for (let p = 0; p < count; p++) parent[findRoot(parent, tracks[p]!)] = findRoot(parent, trackCount + detections[p]!);

  starts.fill(0, 0, nodes + 1);
  for (let p = 0; p < count; p++) starts[findRoot(parent, tracks[p]!)]!++;
  for (let node = 0, total = 0; node <= nodes; node++) starts[node] = total += starts[node]!;
  for (let p = count - 1; p >= 0; p--) order[--starts[findRoot(parent, tracks[p]!)]!] = p;
}

/** The root of a node's tree, with path compression. */
function findRoot(parent: Int32Array, node: number): number {
  let root = node;
  while (parent[root] !== root) root = parent[root]!;
  for (let i = node; parent[i] !== root;) {
    const next = parent[i]!;
    parent[i] = root;
    i = next;
  }
  return root;
}

/** Assigns the tracks and detections of one component, given by its pairs. */
function solveComponent(
  solver: ComponentSolver,
  pairs: CandidatePairs,
  members: Int32Array,
  { tracks: { count: trackCount }, costLimit, assigned }: AssociationProblem,
): void {
  const { matrixIndex, tracks, detections } = solver;
  tracks.length = detections.length = 0;
  for (let k = 0; k < members.length; k++) {
    const track = pairs.tracks[members[k]!]!;
    const detection = pairs.detections[members[k]!]!;
    if (matrixIndex[track] === -1) matrixIndex[track] = tracks.push(track) - 1;
    if (matrixIndex[trackCount + detection] === -1)
      matrixIndex[trackCount + detection] = detections.push(detection) - 1;
  }
  // The search runs from the shorter side.
  const flipped = tracks.length > detections.length;
  const rows = flipped ? detections.length : tracks.length;
  const cols = flipped ? tracks.length : detections.length;
  if (rows * cols > MAX_PAIRS) throw tooDense(tracks.length, detections.length);
  const problem = clearedProblem(solver, rows, cols);
  const { cost, rowToCol } = problem;
  // Pairs that are not candidates cost as much as leaving both unmatched.
  cost.fill(costLimit, 0, rows * cols);
  for (let k = 0; k < members.length; k++) {
    const pair = members[k]!;
    const track = matrixIndex[pairs.tracks[pair]!]!;
    const detection = matrixIndex[trackCount + pairs.detections[pair]!]!;
    cost[flipped ? detection * cols + track : track * cols + detection] = pairs.costs[pair]!;
  }
  augment(problem);
  for (let row = 0; row < rows; row++) {
    const col = rowToCol[row]!;
    if (!(cost[row * cols + col]! < costLimit)) continue;
    assigned[tracks[flipped ? col : row]!] = detections[flipped ? row : col]!;
  }
}

/** The solver's problem, at that size and without assignments; a larger one replaces it where it has no room. */
function clearedProblem(solver: ComponentSolver, rows: number, cols: number): AssignmentProblem {
  const { rowToCol, colToRow } = solver.problem;
  if (rowToCol.length < rows || colToRow.length < cols) {
    // With room for earlier sizes too, so that wide and tall components do not replace each other's buffers.
    const [n, m] = [Math.max(rows, rowToCol.length), Math.max(cols, colToRow.length)];
    solver.problem = n * m <= MAX_PAIRS ? createProblem(n, m) : createProblem(rows, cols);
  }
  const { problem } = solver;
  problem.rows = rows;
  problem.cols = cols;
  problem.rowToCol.fill(-1, 0, rows);
  problem.colToRow.fill(-1, 0, cols);
  return problem;
}

const tooDense = (tracks: number, detections: number) =>
  new FaceDetError(
    'TOO_DENSE',
    `Expected at most ${MAX_PAIRS} overlapping pairs but received more, of ${tracks} tracks and ${detections} ` +
      'detections; suppress overlapping detections first (NMS).',
  );
