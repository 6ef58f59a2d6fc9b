// What of a laid out SVG is seen, and how it is painted.

const CLIP = /^url\("?#(.+?)"?\)$/; // of a computed style

/** Painted by anything, and not hidden, transparent or clipped away. */
export function isSeen(shape: SVGElement, root: SVGSVGElement): boolean {
  const opaque = {opacityProperty: true, visibilityProperty: true};
  if (!isStroked(shape) && !isFilled(shape)) return false;
  if (!shape.checkVisibility(opaque)) return false;
  const box = shape.getBoundingClientRect();
  if (!meet(box, root.getBoundingClientRect())) return false;
  for (const one of lineage(shape)) {
    const {display, clipPath} = getComputedStyle(one);
    if (display === 'none') return false;
    const id = clipPath.match(CLIP)?.[1];
    const clip = id && root.querySelector(`#${CSS.escape(id)}`);
    if (clip && !meet(box, boxOfClip(clip, one))) return false;
  }
  return true;
}

export function isStroked(shape: Element): boolean {
  const {stroke, strokeOpacity, strokeWidth} = getComputedStyle(shape);
  const width = parseFloat(strokeWidth);
  return isPaint(stroke) && Number(strokeOpacity) > 0 && width > 0;
}

function isFilled(shape: Element): boolean {
  const {fill, fillOpacity} = getComputedStyle(shape);
  return isPaint(fill) && Number(fillOpacity) > 0;
}

function isPaint(color: string): boolean {
  return color !== 'none' && !/^rgba\(.*, 0\)$/.test(color);
}

/** Round: it has the middles of its box's sides, and none of the corners. */
export function isRound(shape: SVGGeometryElement): boolean {
  const {x, y, width, height} = shape.getBBox();
  const has = (right: number, down: number) =>
    shape.isPointInFill(new DOMPoint(x + right * width, y + down * height));
  const [low, middle, high] = [0.06, 0.5, 0.94];
  const sides = [has(low, middle), has(high, middle), has(middle, low), has(middle, high)];
  const corners = [has(low, low), has(high, low), has(low, high), has(high, high)];
  return sides.every(Boolean) && !corners.some(Boolean);
}

/** A shape and the elements that it is in. */
function* lineage(shape: SVGElement): Generator<SVGElement> {
  let one: Element | null = shape;
  while (one && one.namespaceURI === shape.namespaceURI) {
    yield one as SVGElement;
    one = one.parentElement;
  }
}

/** The box of a clip path, laid out where it clips something. */
function boxOfClip(clip: Element, clipped: SVGElement): DOMRect {
  const copy = clipped.ownerDocument.createElementNS(clip.namespaceURI, 'g');
  copy.append(...[...clip.children].map((child) => child.cloneNode(true)));
  if (/^(g|svg)$/.test(clipped.localName)) clipped.append(copy);
  else {
    copy.setAttribute('transform', clipped.getAttribute('transform') ?? '');
    clipped.after(copy);
  }
  const box = copy.getBoundingClientRect();
  copy.remove();
  return box;
}

function meet(one: DOMRect, other: DOMRect): boolean {
  return (
    one.left <= other.right &&
    one.right >= other.left &&
    one.top <= other.bottom &&
    one.bottom >= other.top
  );
}
