/** Edges of a bipartite graph of rows and columns; those with a gain of 0 are ignored. */
export interface Edges {
  readonly row: ArrayLike<number>;
  readonly column: ArrayLike<number>;
  /** Gain of matching row and column. */
  readonly gain: ArrayLike<number>;
  /** The first index of `row` and `column` that is read; default 0. `gain` begins at that edge. */
  readonly from?: number;
  /** Number of edges. */
  readonly count: number;
}

/**
 * Creates a function for maximum-weight bipartite matching: it returns the column of each row, or −1, such that the sum
 * of gains is largest. The result is valid until the next call.
 *
 * It finds a shortest augmenting path from each row (Jonker and Volgenant 1987) over the existing edges, with a heap:
 * time and memory depend on their number, never on rows × columns. A row may stay unmatched at no cost, which
 * corresponds to a column of its own in that paper.
 */
export function createMatcher(): (rows: number, columns: number, edges: Edges) => Int32Array {
  const graph = createGraph();
  const search = createSearch();
  const matching = { rowToColumn: new Int32Array(16), columnToRow: new Int32Array(16) };
  return (rows, columns, edges) => {
    readEdges(graph, rows, edges);
    resetSearch(search, rows, columns);
    if (matching.rowToColumn.length < rows) matching.rowToColumn = new Int32Array(2 * rows);
    if (matching.columnToRow.length < columns) matching.columnToRow = new Int32Array(2 * columns);
    matching.rowToColumn.fill(-1, 0, rows);
    matching.columnToRow.fill(-1, 0, columns);
    for (let row = 0; row < rows; row++)
      if (graph.starts[row]! < graph.starts[row + 1]!) augment(row, graph, search, matching);
    return matching.rowToColumn.subarray(0, rows);
  };
}

/** The matched columns and rows, −1 where unmatched; only the first ones of each array are valid. */
interface Matching {
  rowToColumn: Int32Array;
  columnToRow: Int32Array;
}

/** Edges sorted by row. */
interface Graph {
  /** The first edge of each row, and the number of all after the last. */
  starts: Int32Array;
  column: Int32Array;
  gain: Float64Array;
}

function createGraph(): Graph {
  return { starts: new Int32Array(16), column: new Int32Array(16), gain: new Float64Array(16) };
}

/** Fills the graph by counting sort. */
function readEdges(graph: Graph, rows: number, { row, column, gain, from = 0, count }: Edges): void {
  if (graph.starts.length < rows + 1) graph.starts = new Int32Array(2 * rows + 1);
  if (graph.column.length < count) {
    graph.column = new Int32Array(2 * count);
    graph.gain = new Float64Array(2 * count);
  }
  const { starts } = graph;
  starts.fill(0, 0, rows + 1);
  for (let p = 0; p < count; p++) if (gain[p]! > 0) starts[row[from + p]!]!++;
  for (let i = 0, total = 0; i <= rows; i++) {
    total += i < rows ? starts[i]! : 0;
    starts[i] = total;
  }
  for (let p = count - 1; p >= 0; p--) {
    if (!(gain[p]! > 0)) continue;
    const edge = --starts[row[from + p]!]!;
    graph.column[edge] = column[from + p]!;
    graph.gain[edge] = gain[p]!;
  }
}

/** Dual variables, and the state of one shortest-path search. */
interface Search {
  rowDual: Float64Array;
  columnDual: Float64Array;
  /** Shortest distance found to each column, valid where `reachedBy` is the start row of this search. */
  distance: Float64Array;
  reachedBy: Int32Array;
  /** The row before each column on its shortest path. */
  previous: Int32Array;
  isClosed: Uint8Array;
  closed: Int32Array;
  heap: ColumnHeap;
}

function createSearch(): Search {
  return {
    rowDual: new Float64Array(16),
    columnDual: new Float64Array(16),
    distance: new Float64Array(16),
    reachedBy: new Int32Array(16),
    previous: new Int32Array(16),
    isClosed: new Uint8Array(16),
    closed: new Int32Array(16),
    heap: new ColumnHeap(),
  };
}

function resetSearch(search: Search, rows: number, columns: number): void {
  if (search.rowDual.length < rows) search.rowDual = new Float64Array(2 * rows);
  if (search.columnDual.length < columns) {
    search.columnDual = new Float64Array(2 * columns);
    search.distance = new Float64Array(2 * columns);
    search.reachedBy = new Int32Array(2 * columns);
    search.previous = new Int32Array(2 * columns);
    search.isClosed = new Uint8Array(2 * columns);
    search.closed = new Int32Array(2 * columns);
  }
  search.rowDual.fill(0, 0, rows);
  search.columnDual.fill(0, 0, columns);
  search.reachedBy.fill(-1, 0, columns);
}

/** Searches the nearest free column, or the row best left unmatched, and flips the matches along the path to it. */
function augment(start: number, graph: Graph, search: Search, matching: Matching): void {
  const { starts, column: edgeColumn, gain } = graph;
  const { rowDual, columnDual, distance, reachedBy, previous, isClosed, closed, heap } = search;
  const { rowToColumn, columnToRow } = matching;
  heap.clear();
  let closedCount = 0;
  let row = start;
  let pathLength = 0;
  let unmatchedRow = start;
  let unmatchedDistance = Infinity;
  let end = -1;
  for (;;) {
    const offset = pathLength - rowDual[row]!;
    if (offset < unmatchedDistance) {
      unmatchedDistance = offset;
      unmatchedRow = row;
    }
    for (let edge = starts[row]!; edge < starts[row + 1]!; edge++) {
      const column = edgeColumn[edge]!;
      const through = offset - gain[edge]! - columnDual[column]!;
      if (reachedBy[column] !== start) {
        reachedBy[column] = start;
        isClosed[column] = 0;
      } else if (isClosed[column] || !(through < distance[column]!)) continue;
      distance[column] = through;
      previous[column] = row;
      heap.push(through, column);
    }
    let nearest = heap.pop();
    while (nearest >= 0 && isClosed[nearest]) nearest = heap.pop();
    if (nearest < 0 || unmatchedDistance < distance[nearest]!) break;
    if (columnToRow[nearest] === -1) {
      end = nearest;
      break;
    }
    isClosed[nearest] = 1;
    closed[closedCount++] = nearest;
    pathLength = distance[nearest]!;
    row = columnToRow[nearest]!;
  }
  const total = end >= 0 ? distance[end]! : unmatchedDistance;
  rowDual[start]! += total;
  for (let k = 0; k < closedCount; k++) {
    const column = closed[k]!;
    const change = total - distance[column]!;
    columnDual[column]! -= change;
    rowDual[columnToRow[column]!]! += change;
  }
  if (end < 0) {
    // The row left unmatched passes its column to the one before it on the path.
    end = rowToColumn[unmatchedRow]!;
    rowToColumn[unmatchedRow] = -1;
  }
  for (let column = end; column >= 0;) {
    const i = previous[column]!;
    const next = i === start ? -1 : rowToColumn[i]!;
    columnToRow[column] = i;
    rowToColumn[i] = column;
    column = next;
  }
}

/**
 * A binary heap of columns by distance; of equal distances, the lower column comes first. A column may be in it several
 * times; its first is its nearest.
 */
class ColumnHeap {
  #keys = new Float64Array(64);
  #columns = new Int32Array(64);
  #size = 0;

  clear(): void {
    this.#size = 0;
  }

  push(key: number, column: number): void {
    if (this.#size === this.#keys.length) this.#grow();
    const keys = this.#keys;
    const columns = this.#columns;
    let index = this.#size++;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!(key < keys[parent]! || (key === keys[parent]! && column < columns[parent]!))) break;
      keys[index] = keys[parent]!;
      columns[index] = columns[parent]!;
      index = parent;
    }
    keys[index] = key;
    columns[index] = column;
  }

  /** Removes and returns the nearest column; −1 where the heap is empty. */
  pop(): number {
    if (this.#size === 0) return -1;
    const keys = this.#keys;
    const columns = this.#columns;
    const size = --this.#size;
    const first = columns[0]!;
    const key = keys[size]!;
    const column = columns[size]!;
    const isBefore = (a: number, b: number): boolean =>
      keys[a]! < keys[b]! || (keys[a]! === keys[b]! && columns[a]! < columns[b]!);
    let index = 0;
    for (let child = 1; child < size; child = 2 * index + 1) {
      if (child + 1 < size && isBefore(child + 1, child)) child++;
      if (!isBefore(child, size)) break;
      keys[index] = keys[child]!;
      columns[index] = columns[child]!;
      index = child;
    }
    keys[index] = key;
    columns[index] = column;
    return first;
  }

  #grow(): void {
    const [keys, columns] = [this.#keys, this.#columns];
    this.#keys = new Float64Array(2 * this.#size);
    this.#columns = new Int32Array(2 * this.#size);
    this.#keys.set(keys);
    this.#columns.set(columns);
  }
}
