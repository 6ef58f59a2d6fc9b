// Draws with a .tflite file by LiteRT.js: the same loop as in Python.

import {loadAndCompile, loadLiteRt, Tensor} from './litert/index.js';
import {readMetadata} from './metadata.js';

export class PhoneSketcher {
  /** Loads the runtime and the file; `progress` hears shares from 0 to 1. */
  static async load(url, progress) {
    const folder = new URL('./litert/wasm/', import.meta.url).href;
    // A worker's script does not know where it came from.
    globalThis.Module = {locateFile: (file) => folder + file};
    const [file] = await Promise.all([
      download(url, progress),
      // A folder, so that the variant fits the browser. No threads: they would
      // ask for headers that a plain web server does not send.
      loadLiteRt(folder),
    ]);
    const metadata = readMetadata(file);
    const model = await loadAndCompile(new Uint8Array(file), {
      accelerator: 'wasm',
    });
    return new PhoneSketcher(model, metadata);
  }

  constructor(model, metadata) {
    this.model = model;
    this.metadata = metadata;
    this.rows = metadata.max_seq_len + 1; // points, and an end token
  }

  /**
   * Reads the drawing so far; `next` then goes on with it.
   *
   * @param {number[][]} points stroke-5, offsets in units of the scale factor.
   * @param {number[]} condition the weights of all values of all factors.
   * @param {number} seed the same one draws the same.
   * @param {number} temperature 0 takes the likeliest at each step.
   */
  async begin({points, condition, seed, temperature}) {
    const given = new Float32Array(5 * (this.rows - 1));
    given.set(points.flat());
    // The second number tells the sketches of one seed apart.
    this.noise = await this.#run('noise', {seed: Int32Array.of(seed, 0)});
    const {candidates, choice} = this.noise;
    this.temperature = Float32Array.of(temperature);
    this.progress = await this.#run('encode_prefix', {
      condition: Float32Array.from(condition),
      points: given,
      length: Int32Array.of(points.length),
      candidates,
      choice,
      temperature: this.temperature,
    });
    this.count = points.length;
  }

  /** The next point, stroke-5; null when no more fits. */
  async next() {
    if (this.count >= this.rows - 1) return null;
    const t = this.count++;
    const {context, state, point} = this.progress;
    const {component, pen, offset} = this.noise;
    const step = await this.#run('step', {
      context,
      state,
      point,
      component: component.subarray(t, t + 1),
      pen: pen.subarray(t, t + 1),
      offset: offset.subarray(2 * t, 2 * t + 2),
      temperature: this.temperature,
    });
    this.progress = {context, state: step.state, point: step.point};
    return Array.from(step.point);
  }

  /** Arrays in, arrays out; tensors live outside the garbage collector. */
  async #run(name, inputs) {
    const signature = this.model.signatures[name];
    const tensors = {};
    for (const {name, shape} of signature.getInputDetails()) {
      tensors[name] = new Tensor(inputs[name], Array.from(shape));
    }
    const results = await signature.run(tensors);
    const arrays = {};
    for (const [name, tensor] of Object.entries(results)) {
      arrays[name] = tensor.toTypedArray().slice();
    }
    for (const tensor of [...Object.values(tensors), ...Object.values(results)]) {
      tensor.delete();
    }
    return arrays;
  }
}

async function download(url, progress) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const total = Number(response.headers.get('Content-Length'));
  const chunks = [];
  let size = 0;
  for (const reader = response.body.getReader(); ; ) {
    const {done, value} = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.length;
    if (total) progress(size / total);
  }
  return new Blob(chunks).arrayBuffer();
}
