// Files of the user, by their content: drawings, or a model.

import type {Drawing} from './drawing';
import {FileError} from './errors';
import {readNdjson} from './ndjson';
import {readSvg} from './svg/reading';

export interface Opened {
  readonly drawings: readonly Drawing[];
  /** Rows that are no drawings. */
  readonly bad: number;
}

const LARGEST = 64; // MiB
const GZIP = [0x1f, 0x8b];

// First bytes of files that are something else.
const OTHERS: [string, string][] = [
  ['\x89PNG', 'a picture of pixels (PNG)'],
  ['\xff\xd8\xff', 'a picture of pixels (JPEG)'],
  ['GIF8', 'a picture of pixels (GIF)'],
  ['RIFF', 'a picture or film of pixels'],
  ['%PDF', 'a PDF document'],
  ['PK', 'an archive'],
];

/** Whether a file is a model: a FlatBuffer of TensorFlow Lite. */
export async function isModel(file: File): Promise<boolean> {
  return (await file.slice(4, 8).text()) === 'TFL3';
}

/** @throws FileError if there is no drawing in the file. */
export async function readDrawings(file: File): Promise<Opened> {
  const text = await textOf(file);
  if (/^\s*</.test(text)) {
    return {drawings: [await readSvg(text, file.name)], bad: 0};
  }
  if (/^\s*[[{]/.test(text)) {
    const [drawings, bad] = readNdjson(text, file.name);
    return {drawings, bad};
  }
  const begins = [...new Uint8Array(await file.slice(0, 4).arrayBuffer())];
  const signs = String.fromCharCode(...begins);
  const other = OTHERS.find(([sign]) => signs.startsWith(sign))?.[1];
  throw new FileError(
    `${file.name} must be an SVG or ndjson file, or a model (.tflite)`,
    file.size ? (other ?? 'something else') : 'an empty file',
    'Save the drawing as SVG, and open that.',
  );
}

async function textOf(file: File): Promise<string> {
  if (file.size > LARGEST * 2 ** 20) {
    throw new FileError(
      `${file.name} must have at most ${LARGEST} MiB`,
      `${Math.ceil(file.size / 2 ** 20)} MiB`,
      'Cut it: the first lines of an ndjson file are one, too.',
    );
  }
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const packed = GZIP.every((byte, i) => start[i] === byte);
  const unpacked = packed
    ? file.stream().pipeThrough(new DecompressionStream('gzip'))
    : file.stream();
  // Without a byte order mark, if there is one.
  return new Response(unpacked).text();
}
