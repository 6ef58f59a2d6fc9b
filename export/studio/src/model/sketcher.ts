// Draws with a .tflite file: the same loops as in export/tflite/runtime.py.

import type {Point} from '../drawing/strokes';
import {readMetadata} from './metadata';
import {type Tensors, Network, free, take} from './network';
import type {How, Metadata} from './protocol';

/** All the randomness of one sketch, drawn beforehand. */
type Noise = Record<
  'latent_noise' | 'component' | 'pen' | 'offset' | 'candidates' | 'choice',
  Float32Array
>;

/** A drawing in progress: context, state and last point, as tensors. */
interface Progress {
  readonly tensors: Tensors;
  readonly count: number;
}

export class Sketcher {
  private constructor(
    private readonly network: Network,
    readonly metadata: Metadata,
  ) {}

  static async load(file: Uint8Array): Promise<Sketcher> {
    const metadata = readMetadata(file);
    return new Sketcher(await Network.load(file), metadata);
  }

  /** Goes on with a drawing; with no points it draws a new one. */
  async *complete(
    how: How,
    points: readonly Point[],
  ): AsyncGenerator<readonly Point[]> {
    const noise = await this.#noise(how.seed);
    const progress = await this.#read(how, points, noise);
    yield* this.#draw(progress, noise, how.temperature);
  }

  delete(): void {
    this.network.delete();
  }

  async #noise(seed: number): Promise<Noise> {
    // The second number tells the sketches of one seed apart.
    const noise = await this.network.run('noise', {seed: Int32Array.of(seed, 0)});
    const arrays = Object.entries(noise).map(([k, v]) => [k, take(v)]);
    return Object.fromEntries(arrays) as Noise;
  }

  async #read(
    {condition, temperature}: How,
    points: readonly Point[],
    {candidates, choice}: Noise,
  ): Promise<Progress> {
    const tensors = await this.network.run('encode_prefix', {
      condition: Float32Array.from(condition),
      points: Float32Array.from(points.flat()),
      length: Int32Array.of(points.length),
      candidates,
      choice,
      temperature: Float32Array.of(temperature),
    });
    return {tensors, count: points.length};
  }

  /** The points after those that are there, until the end or the limit. */
  async *#draw(
    progress: Progress,
    noise: Noise,
    temperature: number,
  ): AsyncGenerator<readonly Point[]> {
    let {state, point} = progress.tensors;
    const {context} = progress.tensors;
    const {max_seq_len: limit} = this.metadata;
    try {
      for (let t = progress.count; t < limit; t++) {
        const drawn = await this.network.run('step', {
          context,
          state,
          point,
          component: noise.component.subarray(t, t + 1),
          pen: noise.pen.subarray(t, t + 1),
          offset: noise.offset.subarray(2 * t, 2 * t + 2),
          temperature: Float32Array.of(temperature),
        });
        drawn.params.delete();
        free({state, point});
        ({state, point} = drawn);
        const numbers = Array.from(point.toTypedArray());
        yield [numbers as unknown as Point];
        if (numbers[4]) return;
      }
    } finally {
      free({...progress.tensors, state, point});
    }
  }
}
