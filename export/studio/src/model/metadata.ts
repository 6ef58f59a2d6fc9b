// What a .tflite file says of itself: JSON that the exporter has put into it.

import type {Metadata} from './protocol';

const BEGINNING = '{"candidates": ';

/**
 * The metadata of a file.
 *
 * They are a vector of bytes of the FlatBuffer, which begins with its length.
 *
 * @throws Error if it is no file of the exporter.
 */
export function readMetadata(file: Uint8Array): Metadata {
  const start = find(file, new TextEncoder().encode(BEGINNING));
  if (start < 0) {
    throw new Error(
      'A model must come from `sketcher export tflite`; this file has none ' +
        'of its metadata.',
    );
  }
  const {buffer, byteOffset} = file;
  const length = new DataView(buffer, byteOffset).getUint32(start - 4, true);
  const text = new TextDecoder().decode(file.subarray(start, start + length));
  return JSON.parse(text) as Metadata;
}

function find(file: Uint8Array, wanted: Uint8Array): number {
  for (let at = file.indexOf(wanted[0]); at >= 0; ) {
    if (wanted.every((byte, i) => file[at + i] === byte)) return at;
    at = file.indexOf(wanted[0], at + 1);
  }
  return -1;
}
