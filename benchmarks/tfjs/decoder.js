// A published Sketch-RNN decoder in TensorFlow.js, as Magenta's page has it:
// one LSTM, a mixture of 20 Gaussians, on WebAssembly with SIMD and one thread.

const MAX_WEIGHT = 10; // what the largest int16 stands for
const MIXTURES = 20;

/** Milliseconds a point of each of some drawings of `count` points. */
async function measure(count, drawings) {
  tf.wasm.setWasmPaths('node_modules/@tensorflow/tfjs-backend-wasm/dist/');
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  await tf.setBackend('wasm');
  const step = await load('decoder.json');
  return Array.from({length: drawings}, () => {
    const start = performance.now();
    let point = [0, 0, 1, 0, 0];
    for (let i = 0; i < count; i++) point = sample(step(point));
    return (performance.now() - start) / count;
  });
}

/** A function from a point to the mixture that the next one comes from. */
async function load(file) {
  const [, shapes, texts] = await (await fetch(file)).json();
  const [outputW, outputB, inputW, recurrentW, bias] = texts.map((text, i) => {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    const numbers = new Int16Array(bytes.buffer);
    const weights = Float32Array.from(numbers, (n) => (n * MAX_WEIGHT) / 32767);
    return tf.tensor(weights, shapes[i]);
  });
  const kernel = tf.concat([inputW, recurrentW]);
  const forget = tf.scalar(1);
  let c = tf.zeros([1, recurrentW.shape[0]]);
  let h = tf.zeros([1, recurrentW.shape[0]]);
  return (point) => {
    const [nextC, nextH, output] = tf.tidy(() => {
      const input = tf.tensor2d([point]);
      const state = tf.basicLSTMCell(forget, kernel, bias, input, c, h);
      return [...state, tf.add(tf.matMul(state[1], outputW), outputB)];
    });
    tf.dispose([c, h]);
    [c, h] = [nextC, nextH];
    const numbers = output.dataSync();
    output.dispose();
    return numbers;
  };
}

/** A point of what the network says: pens, then the parts of the mixture. */
function sample(numbers) {
  const pen = pick(numbers.subarray(0, 3));
  const part = (n) => numbers.subarray(3 + n * MIXTURES, 3 + (n + 1) * MIXTURES);
  const [logits, x, y, wide, high, tilt] = [0, 1, 2, 3, 4, 5].map(part);
  const one = pick(logits);
  const [first, second] = normals();
  const rho = Math.tanh(tilt[one]);
  const mixed = rho * first + Math.sqrt(1 - rho * rho) * second;
  return [
    x[one] + Math.exp(wide[one]) * first,
    y[one] + Math.exp(high[one]) * mixed,
    ...[0, 1, 2].map((n) => (n === pen ? 1 : 0)),
  ];
}

function pick(logits) {
  const most = Math.max(...logits);
  const weights = Array.from(logits, (logit) => Math.exp(logit - most));
  let left = Math.random() * weights.reduce((sum, weight) => sum + weight);
  const found = weights.findIndex((weight) => (left -= weight) < 0);
  return found < 0 ? weights.length - 1 : found;
}

function normals() {
  const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
  const angle = 2 * Math.PI * Math.random();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}
