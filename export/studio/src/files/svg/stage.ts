// Where a foreign SVG is laid out, to be measured: a frame in which no script
// runs, nothing moves, and nothing is loaded.

import {make} from '../../ui/dom';

// What could run, load or move something.
const LEFT_OUT =
  'script, foreignObject, image, iframe, audio, video, animate, ' +
  'animateMotion, animateTransform, set';
const MAX_COPIES = 2000; // by `use`, which may refer to itself

/**
 * Lays a document out and calls `measure` with its root.
 *
 * Copies that `use` makes are put in, so that every shape is an element.
 */
export async function onStage<T>(
  root: SVGSVGElement,
  measure: (root: SVGSVGElement) => T,
): Promise<T> {
  for (const one of root.querySelectorAll(LEFT_OUT)) one.remove();
  const frame = make('iframe', {className: 'stage', tabIndex: -1});
  frame.setAttribute('aria-hidden', 'true');
  frame.sandbox.add('allow-same-origin'); // to be read from here
  frame.srcdoc = '<style>*{animation:none!important}</style><body>';
  const loaded = new Promise((resolve) => (frame.onload = resolve));
  document.body.append(frame);
  try {
    await loaded;
    const {body} = frame.contentDocument!;
    body.append(root);
    copyUsed(root);
    return measure(root);
  } finally {
    frame.remove();
  }
}

function copyUsed(root: SVGSVGElement): void {
  for (let i = 0; i < MAX_COPIES; i++) {
    const use = root.querySelector('use');
    if (!use) return;
    const id = use.href.baseVal.replace(/^#/, '');
    const used = id && root.querySelector(`#${CSS.escape(id)}`);
    if (used && !used.contains(use)) use.replaceWith(copyOf(use, used));
    else use.remove();
  }
}

/** A group with a copy of what is used, where `use` puts it. */
function copyOf(use: SVGUseElement, used: Element): SVGElement {
  const document_ = use.ownerDocument;
  const create = (tag: string) =>
    document_.createElementNS('http://www.w3.org/2000/svg', tag) as SVGElement;
  const group = create('g');
  for (const {name, value} of use.attributes) group.setAttribute(name, value);
  const [x, y] = [use.x.baseVal.value, use.y.baseVal.value];
  const transform = use.getAttribute('transform') ?? '';
  group.setAttribute('transform', `${transform} translate(${x} ${y})`);
  if (used.localName !== 'symbol') group.append(used.cloneNode(true));
  else {
    const inner = create('svg');
    for (const {name, value} of used.attributes) inner.setAttribute(name, value);
    for (const name of ['width', 'height']) {
      inner.setAttribute(name, use.getAttribute(name) ?? '100%');
    }
    inner.append(...[...used.childNodes].map((node) => node.cloneNode(true)));
    group.append(inner);
  }
  return group;
}
