// The part of gifenc that is used here; it has no types of its own.

declare module 'gifenc' {
  export type Color = [red: number, green: number, blue: number];

  export interface Frame {
    /** Of the first frame: that of all frames. */
    palette?: Color[];
    /** Milliseconds. */
    delay: number;
  }

  export interface Encoder {
    writeFrame(
      indices: Uint8Array,
      width: number,
      height: number,
      frame: Frame,
    ): void;
    finish(): void;
    bytes(): Uint8Array<ArrayBuffer>;
  }

  export function GIFEncoder(): Encoder;
  export function applyPalette(
    rgba: Uint8ClampedArray,
    palette: Color[],
  ): Uint8Array;
}
