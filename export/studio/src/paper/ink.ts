// Strokes as paths of an SVG; what has not changed is not drawn anew.

import {pathOf} from '../drawing/path';
import type {Stroke} from '../drawing/strokes';
import {makeSvg} from '../ui/dom';

export class Ink {
  #shown: {stroke: Stroke; path: SVGPathElement}[] = [];

  constructor(private readonly group: SVGElement) {}

  show(strokes: readonly Stroke[]): void {
    for (const {path} of this.#shown.splice(strokes.length)) path.remove();
    strokes.forEach((stroke, i) => this.#set(i, stroke));
  }

  #set(i: number, stroke: Stroke): void {
    const shown = this.#shown[i];
    if (shown?.stroke === stroke) return;
    const path = shown?.path ?? this.group.appendChild(makeSvg('path'));
    path.setAttribute('class', stroke.by);
    path.setAttribute('d', pathOf(stroke.points));
    this.#shown[i] = {stroke, path};
  }
}
