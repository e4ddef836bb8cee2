/** Pairs of rows and columns with the gain of matching them; those without a gain are left out or have 0. */
export interface Pairs {
  readonly row: ArrayLike<number>;
  readonly col: ArrayLike<number>;
  readonly gain: ArrayLike<number>;
  /** The first of `row` and `col` to be read; default 0. `gain` begins with it. */
  readonly from?: number;
  /** How many are read. */
  readonly count: number;
}

/**
 * Makes a function that matches rows to columns one to one with the largest sum of gains, and returns for each row its
 * column, or −1. The result is valid until the next call.
 *
 * It finds a shortest augmenting path from each row (Jonker and Volgenant 1987) over the pairs that there are, with a
 * heap: time and memory go by their number, never by rows × columns. A row may stay alone at no cost, which is a column
 * of its own in their terms.
 */
export function createPairMatcher(): (rows: number, cols: number, pairs: Pairs) => Int32Array {
  let starts = new Int32Array(16); // of each row's edges
  let edgeCol = new Int32Array(16);
  let edgeGain = new Float64Array(16);
  let rowDual = new Float64Array(16);
  let rowToCol = new Int32Array(16);
  let colDual = new Float64Array(16);
  let colToRow = new Int32Array(16);
  let distance = new Float64Array(16);
  let from = new Int32Array(16);
  let seenBy = new Int32Array(16); // the row whose search has set `distance`
  let isClosed = new Uint8Array(16);
  let closed = new Int32Array(16);
  const heap = createHeap();

  function reserve(rows: number, cols: number, edges: number): void {
    if (starts.length < rows + 1) {
      starts = new Int32Array(2 * rows + 1);
      rowDual = new Float64Array(2 * rows);
      rowToCol = new Int32Array(2 * rows);
    }
    if (colDual.length < cols) {
      colDual = new Float64Array(2 * cols);
      colToRow = new Int32Array(2 * cols);
      distance = new Float64Array(2 * cols);
      from = new Int32Array(2 * cols);
      seenBy = new Int32Array(2 * cols);
      isClosed = new Uint8Array(2 * cols);
      closed = new Int32Array(2 * cols);
    }
    if (edgeCol.length < edges) {
      edgeCol = new Int32Array(2 * edges);
      edgeGain = new Float64Array(2 * edges);
    }
  }

  /** Sorts the pairs by row (counting). */
  function readEdges(rows: number, { row, col, gain, from: first = 0, count }: Pairs): void {
    starts.fill(0, 0, rows + 1);
    for (let p = 0; p < count; p++) if (gain[p]! > 0) starts[row[first + p]!]!++;
    for (let i = 0, total = 0; i <= rows; i++) {
      total += i < rows ? starts[i]! : 0;
      starts[i] = total;
    }
    for (let p = count - 1; p >= 0; p--) {
      if (!(gain[p]! > 0)) continue;
      const edge = --starts[row[first + p]!]!;
      edgeCol[edge] = col[first + p]!;
      edgeGain[edge] = gain[p]!;
    }
  }

  /** Finds the nearest free column, or the row that is best left alone, and changes the matches along the way there. */
  function augment(start: number): void {
    heap.clear();
    let closedCount = 0;
    let row = start;
    let reached = 0;
    let alone = start;
    let aloneDistance = Infinity;
    let end = -1;
    for (;;) {
      const offset = reached - rowDual[row]!;
      if (offset < aloneDistance) {
        aloneDistance = offset;
        alone = row;
      }
      for (let edge = starts[row]!; edge < starts[row + 1]!; edge++) {
        const col = edgeCol[edge]!;
        const through = offset - edgeGain[edge]! - colDual[col]!;
        if (seenBy[col] !== start) {
          seenBy[col] = start;
          isClosed[col] = 0;
        } else if (isClosed[col] || !(through < distance[col]!)) continue;
        distance[col] = through;
        from[col] = row;
        heap.push(through, col);
      }
      let nearest = heap.pop();
      while (nearest >= 0 && isClosed[nearest]) nearest = heap.pop();
      if (nearest < 0 || aloneDistance < distance[nearest]!) break;
      if (colToRow[nearest] === -1) {
        end = nearest;
        break;
      }
      isClosed[nearest] = 1;
      closed[closedCount++] = nearest;
      reached = distance[nearest]!;
      row = colToRow[nearest]!;
    }
    const total = end >= 0 ? distance[end]! : aloneDistance;
    rowDual[start]! += total;
    for (let k = 0; k < closedCount; k++) {
      const col = closed[k]!;
      const change = total - distance[col]!;
      colDual[col]! -= change;
      rowDual[colToRow[col]!]! += change;
    }
    if (end < 0) {
      // The row left alone gives its column to the one before it on the way.
      end = rowToCol[alone]!;
      rowToCol[alone] = -1;
    }
    for (let col = end; col >= 0;) {
      const i = from[col]!;
      const next = i === start ? -1 : rowToCol[i]!;
      colToRow[col] = i;
      rowToCol[i] = col;
      col = next;
    }
  }

  return (rows, cols, pairs) => {
    reserve(rows, cols, pairs.count);
    readEdges(rows, pairs);
    rowDual.fill(0, 0, rows);
    rowToCol.fill(-1, 0, rows);
    colDual.fill(0, 0, cols);
    colToRow.fill(-1, 0, cols);
    seenBy.fill(-1, 0, cols);
    for (let row = 0; row < rows; row++) if (starts[row]! < starts[row + 1]!) augment(row);
    return rowToCol.subarray(0, rows);
  };
}

/**
 * A binary heap of columns by distance, of equal ones the lower column first. A column may be in it several times; its
 * first is its least.
 */
function createHeap() {
  let keys = new Float64Array(64);
  let cols = new Int32Array(64);
  let size = 0;
  const isBefore = (key: number, col: number, place: number): boolean =>
    key < keys[place]! || (key === keys[place]! && col < cols[place]!);

  return {
    clear(): void {
      size = 0;
    },
    push(key: number, col: number): void {
      if (size === keys.length) {
        const [oldKeys, oldCols] = [keys, cols];
        keys = new Float64Array(2 * size);
        cols = new Int32Array(2 * size);
        keys.set(oldKeys);
        cols.set(oldCols);
      }
      let place = size++;
      while (place > 0) {
        const parent = (place - 1) >> 1;
        if (!isBefore(key, col, parent)) break;
        keys[place] = keys[parent]!;
        cols[place] = cols[parent]!;
        place = parent;
      }
      keys[place] = key;
      cols[place] = col;
    },
    /** Takes the nearest column out; −1 where the heap is empty. */
    pop(): number {
      if (size === 0) return -1;
      const first = cols[0]!;
      const key = keys[--size]!;
      const col = cols[size]!;
      let place = 0;
      for (let child = 1; child < size; child = 2 * place + 1) {
        if (child + 1 < size && isBefore(keys[child + 1]!, cols[child + 1]!, child)) child++;
        if (!isBefore(keys[child]!, cols[child]!, size)) break;
        keys[place] = keys[child]!;
        cols[place] = cols[child]!;
        place = child;
      }
      keys[place] = key;
      cols[place] = col;
      return first;
    },
  };
}
