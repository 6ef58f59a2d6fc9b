// A .tflite file in LiteRT.js: its signatures, called with arrays or tensors.

import {
  type CompiledModel,
  type SignatureRunner,
  type TypedArray,
  Tensor,
  getGlobalLiteRt,
  loadAndCompile,
  loadLiteRt,
} from '@litertjs/core';

export type Tensors = Record<string, Tensor>;

/** Loads the runtime, once; `folder` has its WebAssembly. */
export function loadRuntime(folder: string): Promise<unknown> {
  // A worker's script does not know where it came from.
  Object.assign(globalThis, {
    Module: {locateFile: (file: string) => folder + file},
  });
  // A folder, so that the variant fits the browser.
  return loadLiteRt(folder);
}

export class Network {
  // Tensors live outside the garbage collector; those of inputs are kept.
  #inputs: Record<string, Tensors> = {};

  private constructor(private readonly model: CompiledModel) {}

  static async load(file: Uint8Array): Promise<Network> {
    return new Network(await loadAndCompile(file, {accelerator: 'wasm'}));
  }

  /**
   * Calls a signature.
   *
   * @param inputs arrays, which are copied, and tensors, which stay as they
   *   are: what one call puts out the next one can take.
   * @returns tensors, to be deleted.
   */
  run(
    name: string,
    inputs: Record<string, TypedArray | Tensor>,
  ): Promise<Tensors> {
    const signature = this.model.signatures[name];
    const kept = (this.#inputs[name] ??= {});
    const tensors: Tensors = {};
    for (const [input, value] of Object.entries(inputs)) {
      tensors[input] =
        value instanceof Tensor
          ? value
          : put(value, (kept[input] ??= empty(signature, input)));
    }
    return signature.run(tensors);
  }

  has(name: string): boolean {
    return name in this.model.signatures;
  }

  /** Of an input; undefined if there is none of that name. */
  shape(name: string, input: string): Int32Array | undefined {
    const details = this.model.signatures[name].getInputDetails();
    return details.find((of) => of.name === input)?.shape;
  }

  delete(): void {
    for (const tensors of Object.values(this.#inputs)) free(tensors);
    this.model.delete();
  }
}

export function free(tensors: Tensors): void {
  for (const tensor of Object.values(tensors)) tensor.delete();
}

/** The numbers of a tensor, which is deleted. */
export function take(tensor: Tensor): Float32Array {
  const numbers = tensor.toTypedArray() as Float32Array;
  tensor.delete();
  return numbers;
}

function empty(signature: SignatureRunner, input: string): Tensor {
  const found = signature.getInputDetails().find(({name}) => name === input);
  if (!found) throw new Error(`${signature.key} has no input ${input}.`);
  const size = found.shape.reduce((product, axis) => product * axis, 1);
  const type = found.dtype === 'int32' ? Int32Array : Float32Array;
  return new Tensor(new type(size), Array.from(found.shape));
}

/** Copies numbers into a tensor; what they do not fill is zero. */
function put(numbers: TypedArray, tensor: Tensor): Tensor {
  const {liteRtWasm: wasm} = getGlobalLiteRt();
  const buffer = tensor.liteRtTensorBuffer;
  const place = buffer.lock(wasm.LiteRtTensorBufferLockMode.WRITE);
  try {
    const bytes = new Uint8Array(
      numbers.buffer,
      numbers.byteOffset,
      numbers.byteLength,
    );
    wasm.HEAPU8.set(bytes, place);
    wasm.HEAPU8.fill(0, place + bytes.length, place + buffer.packedSize());
  } finally {
    buffer.unlock();
  }
  return tensor;
}
