// Draws with a .tflite file: the same loops as in export/tflite/runtime.py.

import type {Tensor} from '@litertjs/core';
import {picture} from '../drawing/picture';
import {
  type Reading,
  enlarged,
  readings,
  toFullSize,
} from '../drawing/readings';
import {
  type Lines,
  type Place,
  type Point,
  pointsOf,
} from '../drawing/strokes';
import {agreement} from './critic';
import {readMetadata} from './metadata';
import {Network, take} from './network';
import type {
  Beginning,
  Calls,
  Condition,
  How,
  Loaded,
  Metadata,
  Part,
} from './protocol';

/** A drawing in progress; what it has of tensors is deleted on the way. */
interface Progress {
  readonly context: Tensor | Float32Array;
  readonly state: Tensor | Float32Array;
  readonly point: Tensor | Float32Array;
  readonly count: number; // of points that are there
}

/** The ways to go on with what is begun, a row each. */
interface Ways extends Progress {
  readonly context: Float32Array;
  readonly state: Float32Array;
}

type Noise = Readonly<Record<string, Float32Array>>;

const KEPT = 32; // sketches whose noise is kept: it takes longer than a drawing

export class Sketcher {
  #kept = new Map<string, Noise>();

  private constructor(
    private readonly network: Network,
    readonly metadata: Metadata,
  ) {}

  static async load(file: Uint8Array): Promise<Sketcher> {
    const metadata = readMetadata(file);
    return new Sketcher(await Network.load(file), metadata);
  }

  /** What the page hears of it. */
  get loaded(): Loaded {
    const {metadata, network} = this;
    const [encodes, recognizes] = ['encode', 'recognize'].map((name) =>
      network.has(name),
    );
    return {metadata, encodes, recognizes};
  }

  delete(): void {
    this.network.delete();
  }

  /**
   * Goes on with a drawing in several ways; without points, it begins one.
   *
   * Its readings take turns: what the first one begins with is as given.
   */
  async *suggest({
    lines,
    count,
    ...how
  }: Calls['suggest']['argument']): AsyncGenerator<Part> {
    const wanted = readings(lines).slice(0, count);
    const begun = await inTurn(wanted, (one) => this.#read(how, one));
    const end = lines.at(-1)?.at(-1) ?? [0, 0];
    for (let way = 0; way < count; way++) {
      const number = way % wanted.length;
      const {scale, corner, goesOn, lines: read} = wanted[number];
      const row = Math.floor(way / wanted.length);
      const [x, y] = read.at(-1)?.at(-1) ?? [0, 0];
      const drawn = this.#draw(how, way, way, {
        ...begun[number],
        context: this.#row('context', begun[number].context, row),
        state: this.#row('state', begun[number].state, row),
      });
      // From where it was given to, to where the reading has left the pen.
      yield* this.#placed(goesOn ? touching(drawn) : drawn, scale, [
        corner[0] + x / scale - end[0],
        corner[1] + y / scale - end[1],
      ]);
    }
  }

  /** The ways to go on with a reading, a row each. */
  async #read(
    {condition, seed, temperature}: How & {condition: Condition},
    {lines, goesOn}: Reading,
  ): Promise<Ways> {
    const points = pointsOf(lines, this.metadata.scale_factor);
    if (goesOn) {
      const [dx, dy] = points.pop()!;
      points.push([dx, dy, 1, 0, 0]); // still being drawn
    }
    const {latents, ...begun} = await this.network.run('encode_prefix', {
      ...(await this.#noise('candidates', seed, 0)),
      condition: Float32Array.from(condition),
      points: Float32Array.from(points.flat()),
      length: Int32Array.of(points.length),
      temperature: Float32Array.of(temperature),
    });
    latents.delete();
    const [context, state, point] = ['context', 'state', 'point'].map((name) =>
      take(begun[name]),
    );
    // To touch the paper is a point, too.
    const count = points.length + Number(goesOn);
    return {context, state, point, count};
  }

  /** Drawn at another size; the first point is also moved. */
  async *#placed(
    parts: AsyncIterable<Part>,
    scale: number,
    move: Place,
  ): AsyncGenerator<Part> {
    const unit = this.metadata.scale_factor;
    let from = move;
    for await (const {way, points} of parts) {
      const placed = points.map(([dx, dy, ...pen]): Point => {
        const [x, y] = from;
        from = [0, 0];
        return [dx / scale + x / unit, dy / scale + y / unit, ...pen];
      });
      yield {way, points: placed};
    }
  }

  /** Draws a drawing anew in several ways, where it was and as large. */
  async *optimize({
    condition,
    lines,
    share,
    count,
    ...how
  }: Calls['optimize']['argument']): AsyncGenerator<Part> {
    const {low, scale} = toFullSize(lines);
    const mine = await this.encode({condition, lines});
    const ways = await this.#ways(condition, how.seed, mine);
    for (let way = 0; way < count; way++) {
      const goal = ways[way % ways.length];
      const latents = mine.map((x, i) => x + share * (goal[i] - x));
      const drawing = {condition, latents, number: way};
      // Where the drawing was: only the first point is from the origin.
      yield* this.#placed(this.#drawOne(how, way, drawing), scale, low);
    }
  }

  /** Draws from latents, one drawing after the other. */
  async *draw({
    drawings,
    ...how
  }: Calls['draw']['argument']): AsyncGenerator<Part> {
    for (const [way, drawing] of drawings.entries()) {
      yield* this.#drawOne(how, way, drawing);
    }
  }

  /** Latents of a whole drawing. */
  async encode({
    condition,
    lines,
  }: Calls['encode']['argument']): Promise<Float32Array> {
    const drawing = this.#whole(lines);
    const size = this.network.shape('encode', 'picture')?.[1];
    const {latents} = await this.network.run('encode', {
      condition: Float32Array.from(condition),
      ...drawing,
      ...(size && {picture: picture(lines, size)}),
    });
    return take(latents);
  }

  /** How surely drawings show what was asked for. */
  async judge({
    condition,
    drawings,
  }: Calls['judge']['argument']): Promise<number[]> {
    const sizes = this.metadata.factors.map(({values}) => values.length);
    const judged: number[] = [];
    for (const lines of drawings) {
      const {log_probs} = await this.network.run(
        'recognize',
        this.#whole(lines),
      );
      judged.push(agreement(take(log_probs), condition, sizes));
    }
    return judged;
  }

  /** Latents for a new drawing. */
  async imagine({
    condition,
    temperature,
    seed,
    number,
  }: Calls['imagine']['argument']): Promise<Float32Array> {
    const {latent_noise} = await this.#noise('noise', seed, number);
    const {latents} = await this.network.run('prior', {
      condition: Float32Array.from(condition),
      latent_noise,
      temperature: Float32Array.of(temperature),
    });
    return take(latents);
  }

  /** A drawing as the encoder takes it. */
  #whole(lines: Lines): {points: Float32Array; length: Int32Array} {
    const {low, scale} = toFullSize(lines);
    const {scale_factor, max_seq_len} = this.metadata;
    const points = pointsOf(enlarged(lines, low, scale), scale_factor);
    if (points.length > max_seq_len) {
      throw new Error(
        `The model looks at drawings of at most ${max_seq_len} points; this ` +
          `one has ${points.length}. Erase some strokes.`,
      );
    }
    return {
      points: Float32Array.from(points.flat()),
      length: Int32Array.of(points.length),
    };
  }

  /** Randomness of a sketch, drawn beforehand; kept for a while. */
  async #noise(
    kind: 'noise' | 'candidates',
    seed: number,
    number: number,
  ): Promise<Noise> {
    const key = `${kind} ${seed} ${number}`;
    const noise = this.#kept.get(key) ?? (await this.#drawNoise(kind, seed, number));
    this.#kept.delete(key); // the latest one is the last
    this.#kept.set(key, noise);
    if (this.#kept.size > KEPT) {
      this.#kept.delete(this.#kept.keys().next().value!);
    }
    return noise;
  }

  async #drawNoise(kind: string, seed: number, number: number): Promise<Noise> {
    const noise = await this.network.run(kind, {
      seed: Int32Array.of(seed, number),
    });
    return Object.fromEntries(
      Object.entries(noise).map(([name, tensor]) => [name, take(tensor)]),
    );
  }

  /** The ways in which a condition is drawn, the nearest one first. */
  async #ways(
    condition: Condition,
    seed: number,
    near: Float32Array,
  ): Promise<Float32Array[]> {
    const {candidates} = await this.#noise('candidates', seed, 0);
    const width = this.network.shape('prior', 'latent_noise')![1];
    const found = new Map<string, Float32Array>();
    for (let at = 0; at < candidates.length; at += width) {
      const {latents} = await this.network.run('prior', {
        condition: Float32Array.from(condition),
        latent_noise: candidates.subarray(at, at + width),
        temperature: Float32Array.of(0),
      });
      const middle = take(latents);
      found.set(middle.join(), middle);
    }
    const far = (way: Float32Array) =>
      way.reduce((sum, x, i) => sum + (x - near[i]) ** 2, 0);
    return [...found.values()].sort((a, b) => far(a) - far(b));
  }

  async *#drawOne(
    how: How,
    way: number,
    {condition, latents, number}: Beginning,
  ): AsyncGenerator<Part> {
    const begun = await this.network.run('start', {
      condition: Float32Array.from(condition),
      latents,
    });
    const {context, state, point} = begun;
    yield* this.#draw(how, number, way, {context, state, point, count: 0});
  }

  /** The points after those that are there, until the end or the limit. */
  async *#draw(
    {seed, temperature}: How,
    number: number,
    way: number,
    progress: Progress,
  ): AsyncGenerator<Part> {
    const {component, pen, offset} = await this.#noise('noise', seed, number);
    const {context} = progress;
    let {state, point} = progress;
    try {
      for (let left = this.metadata.max_seq_len - progress.count; left > 0; ) {
        const drawn = await this.network.run('steps', {
          context,
          state,
          point,
          component,
          pen,
          offset,
          temperature: Float32Array.of(temperature),
        });
        discard(state, point);
        ({state, point} = drawn);
        const points = untilEnd(take(drawn.points)).slice(0, left);
        yield {way, points};
        if (points.at(-1)![4]) return;
        left -= points.length;
      }
    } finally {
      discard(context, state, point);
    }
  }

  /** A row of several. */
  #row(name: string, rows: Float32Array, number: number): Float32Array {
    const width = this.network.shape('steps', name)![1];
    return rows.subarray(number * width, (number + 1) * width);
  }
}

/** Points of five numbers each, up to the first end token. */
function untilEnd(numbers: Float32Array): Point[] {
  const points: Point[] = [];
  for (let at = 0; at < numbers.length; at += 5) {
    const [dx, dy, down, up, end] = numbers.subarray(at, at + 5);
    points.push([dx, dy, down, up, end]);
    if (end) break;
  }
  return points;
}

/** To go on with a stroke, the pen first has to touch the paper there. */
async function* touching(parts: AsyncIterable<Part>): AsyncGenerator<Part> {
  let begun = false;
  for await (const {way, points} of parts) {
    const touches = !begun && !points[0][4];
    begun = true;
    yield {way, points: touches ? [[0, 0, 1, 0, 0], ...points] : points};
  }
}

/** One after the other: the model does one thing at a time. */
async function inTurn<T, R>(
  values: readonly T[],
  work: (value: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (const value of values) results.push(await work(value));
  return results;
}

function discard(...values: (Tensor | Float32Array)[]): void {
  for (const value of values) if ('delete' in value) value.delete();
}
