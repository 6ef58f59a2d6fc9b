// The metadata inside a .tflite file: JSON under the name "sketcher".
//
// The file is a FlatBuffer. A table begins with the distance back to its
// vtable, which has the places of its fields; everything is little-endian.

const METADATA = 6; // fields of the Model table
const BUFFERS = 4;

/** The metadata of a file, given as an ArrayBuffer. */
export function readMetadata(file) {
  const view = new DataView(file);
  const model = follow(view, 0);
  const buffers = vector(view, model, BUFFERS);
  for (const entry of vector(view, model, METADATA)) {
    if (text(file, view, field(view, entry, 0)) === 'sketcher') {
      const number = view.getUint32(field(view, entry, 1), true);
      return JSON.parse(text(file, view, field(view, buffers[number], 0)));
    }
  }
  throw new Error('This is no model of sketcher-tf: it has no metadata.');
}

function follow(view, place) {
  return place + view.getUint32(place, true);
}

/** The place of a table's field; 0 if it is not there. */
function field(view, table, number) {
  const vtable = table - view.getInt32(table, true);
  const slot = 4 + 2 * number;
  if (slot >= view.getUint16(vtable, true)) return 0;
  const offset = view.getUint16(vtable + slot, true);
  return offset && table + offset;
}

/** The tables of a vector. */
function vector(view, table, number) {
  const place = field(view, table, number);
  if (!place) return [];
  const start = follow(view, place);
  return Array.from({length: view.getUint32(start, true)}, (_, i) =>
    follow(view, start + 4 + 4 * i),
  );
}

function text(file, view, place) {
  const start = follow(view, place);
  const length = view.getUint32(start, true);
  return new TextDecoder().decode(new Uint8Array(file, start + 4, length));
}
