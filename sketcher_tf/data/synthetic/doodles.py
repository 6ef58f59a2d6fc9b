"""The project's own doodles, drawn by small programs: the default data set.

A stand-in that shows that everything works before real drawings are fetched.
Ten categories in the manner of Quick, Draw!; proportions, optional parts,
stroke order and the hand vary from drawing to drawing. Drawing i of a category
depends on (seed, category, i) alone.
"""

from collections.abc import Callable, Iterator

import numpy as np

from sketcher_tf.data.formats.drawing import Drawing
from sketcher_tf.data.synthetic.pen import (
    Hand,
    Stroke,
    arc,
    line,
    mirrored,
    scalloped,
    to_stroke3,
)

Program = Callable[[Hand], list[Stroke]]


def _cat(hand: Hand) -> list[Stroke]:
    w, h = hand.vary(0.95), hand.vary(0.8)
    low, high = hand.between(0.03, 0.07), hand.between(0.14, 0.19)
    top = arc(0, w, h, 0.5 + high, 0.5 - 2 * high)
    chin = arc(0, w, h, -low, 0.5 + 2 * low)
    tip = hand.vary(0.86) * w - 1j * hand.vary(1.4, 0.3) * h
    left, right = hand.aim((-tip.conjugate(), tip))
    ears = line((chin[-1], left, top[0])), line((top[-1], right, chin[0]))
    head = hand.outline(ears[0], top, ears[1], chin)
    middle = 1j * hand.vary(0.12, 0.9) * h
    eyes = _eyes(hand, middle - 0.38j * h, 0.4 * w)
    face = [*eyes, *_muzzle(hand, middle)]
    if hand.chance(0.85):
        face += _whiskers(hand, middle + 0.14j * h, w)
    return [head, *face] if hand.chance(0.85) else [*face, head]


def _eyes(hand: Hand, middle: complex, apart: float) -> list[Stroke]:
    apart = hand.vary(apart, 0.3)
    if hand.chance(0.7):
        size = hand.vary(0.18, 0.3)
        return [hand.dot(middle + x, size) for x in (-apart, apart)]
    size = hand.vary(0.13, 0.25)
    return [hand.loop(middle + x, size) for x in (-apart, apart)]


def _muzzle(hand: Hand, nose: complex) -> list[Stroke]:
    size, smile = hand.vary(0.12, 0.3), hand.vary(0.32, 0.3)
    lip = nose + 1j * size
    cheek = (1 + 0.4j, 0.8 + 0.9j, 0.3 + 0.9j)
    mouth = (*(-point.conjugate() for point in cheek), 0.2j, *cheek[::-1])
    return [
        hand.polygon(nose - size, nose + size, lip),
        hand.curve(*(lip + smile * point for point in mouth)),
    ]


def _whiskers(hand: Hand, middle: complex, width: float) -> list[Stroke]:
    count, reach = 2 + hand.chance(0.15), hand.vary(0.6) * width
    fan, drop = hand.between(0.08, 0.2), hand.between(-0.1, 0.1)
    strokes = []
    for side in (-1, 1):
        for k in range(count):
            tilt = 1j * (k - (count - 1) / 2)
            root = middle + side * 0.55 * width + 0.13 * tilt
            tip = root + side * reach + fan * tilt + 1j * drop
            strokes.append(hand.line(root, tip))
    return strokes


def _fish(hand: Hand) -> list[Stroke]:
    h, tail, waist = hand.vary(0.5, 0.4), hand.vary(0.42, 0.3), hand.vary(0.09)
    neck, end = hand.vary(0.55, 0.1), hand.vary(1.05)
    body = hand.curve(
        end - 1j * tail,
        neck - 1j * waist,
        0.1 - 0.85j * h,
        -0.42 - 1j * h,
        -1 + 0j,
        -0.42 + 1j * h,
        0.1 + 0.85j * h,
        neck + 1j * waist,
        end + 1j * tail,
    )
    edge = hand.line(body[-1], hand.vary(0.85) * end, body[0])
    eye = -0.6 - 1j * hand.vary(0.35, 0.3) * h
    strokes = [np.append(body, edge[1:]), hand.loop(eye, hand.vary(0.09))]
    if hand.chance(0.5):
        strokes.append(hand.curve(-0.35 - 0.6j * h, -0.15, -0.35 + 0.6j * h))
    if hand.chance(0.5):
        fin = (-0.35 - 0.97j * h, 0.0 - 1.6j * h, 0.2 - 0.75j * h)
        strokes.append(hand.line(*fin))
    if hand.chance(0.6):
        strokes.append(hand.line(-0.95 + 0.14j, -0.68 + 0.2j * h))
    return strokes


def _house(hand: Hand) -> list[Stroke]:
    w, wall = hand.vary(0.72), hand.vary(0.8, 0.3)
    roof, eaves = hand.vary(0.65, 0.35), w * hand.between(1.0, 1.3)
    walls = hand.polygon(-w, w, w + 1j * wall, -w + 1j * wall)
    gable = hand.line(-eaves, -1j * roof, eaves)
    if eaves > 1.1 * w:
        gable = np.append(gable, line((eaves, -eaves)))
    strokes = [walls, gable] if hand.chance(0.85) else [gable, walls]
    side = hand.count(-1, 1)
    strokes.append(_door(hand, 0.45 * w * side, wall))
    for place in (-side,) if side else (-1, 1):
        strokes += _window(hand, 0.57 * w * place + 0.4j * wall, 0.2 * w)
    if hand.chance(0.6):
        strokes.append(_chimney(hand, eaves, roof))
    return strokes


def _door(hand: Hand, x: float, wall: float) -> Stroke:
    half, floor, top = (
        hand.vary(0.16, 0.25),
        1j * wall,
        1j * hand.vary(0.42) * wall,
    )
    return hand.line(
        x - half + floor, x - half + top, x + half + top, x + half + floor
    )


def _window(hand: Hand, center: complex, size: float) -> list[Stroke]:
    a, b = hand.vary(size), 1j * hand.vary(1.1 * size)
    corner = a + b
    other = a - b
    frame = hand.polygon(
        center - corner, center + other, center + corner, center - other
    )
    if hand.chance(0.5):
        return [frame]
    return [
        frame,
        hand.line(center - b, center + b),
        hand.line(center - a, center + a),
    ]


def _chimney(hand: Hand, eaves: float, roof: float) -> Stroke:
    left, top = hand.vary(0.4, 0.3) * eaves, -1j * hand.vary(1.05) * roof
    right = left + hand.vary(0.22)
    slope = 1j * roof / eaves
    return hand.line(
        left + slope * (left - eaves),
        left + top,
        right + top,
        right + slope * (right - eaves),
    )


def _tree(hand: Hand) -> list[Stroke]:
    w, h = hand.vary(0.75, 0.3), hand.vary(0.65, 0.3)
    thick, foot = hand.vary(0.14, 0.4), hand.between(1.0, 1.7)
    gap = hand.between(0.02, 0.05)
    path = arc(0, w, h, 0.25 + gap, 1 - 2 * gap)
    crown = scalloped(path, hand.count(5, 7), hand.vary(0.2, 0.3), 5)
    top, length = 1j * h, 1j * hand.vary(0.75, 0.25)
    trunk = [
        hand.curve(x + top, x + top + length / 2, x * foot + top + length)
        for x in (-thick, thick)
    ]
    strokes = [crown, *trunk] if hand.chance(0.85) else [*trunk, crown]
    for _ in range(hand.count(1, 2) * hand.chance(0.4)):
        apple = hand.between(-0.6, 0.6) * w + 1j * hand.between(-0.6, 0.6) * h
        strokes.append(hand.loop(apple, 0.09))
    if hand.chance(0.4):
        ground = top + length
        strokes.append(
            hand.line(ground - hand.vary(0.7), ground + hand.vary(0.7))
        )
    return strokes


def _flower(hand: Hand) -> list[Stroke]:
    core, petals = hand.vary(0.25, 0.25), hand.count(5, 6)
    ring = arc(0, core, core, hand.start, hand.turn)
    depth = hand.vary(0.45)
    head = scalloped(ring, petals, hand.turn * depth, 5)
    bend, foot = hand.between(-0.2, 0.2), 1j * hand.vary(1.8, 0.2)
    top = 1j * (core + 0.8 * depth)
    stem = hand.curve(top, (top + foot) / 2 + bend, foot + 1.3 * bend)
    joint = stem[len(stem) // 2 + 1]
    strokes = [head, stem]
    strokes.insert(hand.count(0, 1), hand.loop(0, core))
    for side in ((-1,), (1,), (-1,), (1,), (-1, 1))[hand.count(0, 4)]:
        tip = joint + side * hand.vary(0.55) - 1j * hand.vary(0.35, 0.5)
        strokes.append(_leaf(hand, joint, tip))
    return strokes


def _leaf(hand: Hand, base: complex, tip: complex) -> Stroke:
    middle = base + (tip - base) * hand.vary(0.55)
    bulge = 1j * (tip - base) * hand.vary(0.26, 0.3)
    return hand.line(base, middle + bulge, tip, middle - bulge, base)


def _sun(hand: Hand) -> list[Stroke]:
    radius, count = hand.vary(0.5, 0.25), hand.count(7, 11)
    inner, outer = radius + hand.vary(0.14, 0.5), hand.vary(1.0)
    short = hand.between(0.5, 1.0)
    strokes = [hand.loop(0, radius)]
    for k in range(count):
        way = np.exp(2j * np.pi * (hand.start + hand.turn * k / count))
        length = (outer - inner) * (short if k % 2 else 1.0)
        strokes.append(hand.line(inner * way, (inner + length) * way))
    if hand.chance(0.35):
        eye = 0.35 * radius
        strokes += [hand.dot(x - 0.25j * radius, 0.12) for x in (-eye, eye)]
        smile = (-0.5 + 0.15j, -0.3 + 0.45j, 0.3 + 0.45j, 0.5 + 0.15j)
        strokes.append(hand.curve(*(radius * point for point in smile)))
    return strokes


def _car(hand: Hand) -> list[Stroke]:
    deck, roof, wheel = -hand.vary(0.36), -hand.vary(0.8), hand.vary(0.22)
    back, front = -hand.vary(0.6, 0.1), hand.vary(0.58, 0.1)
    rear, hood = hand.vary(-0.82, 0.25), hand.vary(0.5)
    slope, nose = hand.vary(0.25, 0.5), hand.vary(0.85)
    shell = hand.line(
        back - wheel,
        -1.05,
        -1.05 + 1j * deck,
        rear + 1j * deck,
        rear + slope + 1j * roof,
        hood - slope - 0.1 + 1j * roof,
        hood + 1j * deck,
        1.05 + nose * 1j * deck,
        1.08,
        front + wheel,
    )
    wheels = [hand.loop(x, wheel) for x in (back, front)]
    sill = hand.line(back + wheel, front - wheel)
    strokes = (
        [shell, *wheels, sill] if hand.chance(0.85) else [*wheels, shell, sill]
    )
    low, high = 1j * deck, 1j * (roof + 0.12)
    left, right = rear + slope + 0.06, hood - slope - 0.14
    pane = hand.polygon(
        rear + 0.16 + low, left + high, right + high, hood - 0.14 + low
    )
    strokes.append(pane)
    if hand.chance(0.5):
        post = (left + right) / 2
        strokes.append(hand.line(post + high, post + low))
    return strokes


def _umbrella(hand: Hand) -> list[Stroke]:
    h, bumps, arch = hand.vary(0.85, 0.25), hand.count(3, 4), hand.vary(0.14)
    dome = arc(0, 1, h, 0.5, 0.5)
    hem = scalloped(line((1, -1)), bumps, -arch)
    length, hook = 1j * hand.vary(0.95), hand.vary(0.15, 0.3)
    top = -1j * arch * (bumps % 2)
    crook = arc(length - hook, hook, hook, 0.0, 0.5)
    strokes = [np.append(dome, hem), np.append(hand.line(top, length), crook)]
    if hand.chance(0.5):
        nodes = np.linspace(1, -1, bumps + 1)[1:-1]
        strokes += [hand.curve(-1j * h, 0.75 * x - 0.55j * h, x) for x in nodes]
    if hand.chance(0.7):
        strokes.append(hand.line(-1j * h, -1j * (h + hand.vary(0.17))))
    return strokes


def _snowman(hand: Hand) -> list[Stroke]:
    head, belly = hand.vary(0.36), hand.vary(0.58)
    neck = -1j * head
    balls = [hand.loop(neck, head), hand.loop(1j * belly, belly)]
    strokes = balls if hand.chance(0.85) else balls[::-1]
    eye = hand.vary(0.4) * head
    strokes += [hand.dot(neck + x - 0.25j * head, 0.08) for x in (-eye, eye)]
    carrot = hand.vary(0.4)
    strokes.append(hand.line(neck + 0.02, neck + carrot + 0.08j, neck + 0.14j))
    strokes += [hand.dot(1j * belly * (0.5 + 0.45 * k), 0.09) for k in range(2)]
    for side in (-1, 1):
        root = side * 0.85 * belly + 0.5j * belly
        tip = root + side * hand.vary(0.5) - 1j * hand.vary(0.35, 0.6)
        strokes.append(hand.line(root, tip))
    if hand.chance(0.75):
        strokes.append(_hat(hand, neck - 0.85j * head, head))
    return strokes


def _hat(hand: Hand, brim: complex, size: float) -> Stroke:
    wide, narrow = hand.vary(1.0) * size, hand.vary(0.6) * size
    top = brim - 1j * hand.vary(0.9) * size
    return hand.line(
        brim - wide,
        brim + wide,
        brim + narrow,
        top + narrow,
        top - narrow,
        brim - narrow,
    )


def _sailboat(hand: Hand) -> list[Stroke]:
    deck, keel = hand.vary(0.9), hand.vary(0.6)
    depth, tip = 1j * hand.vary(0.38, 0.25), -1j * hand.vary(1.4)
    hull = hand.polygon(-deck, deck, keel + depth, -keel + depth)
    mast, boom = hand.between(-0.2, 0.1), -1j * hand.vary(0.18)
    pole = hand.line(mast, mast + tip)
    main = hand.line(
        mast + 0.95 * tip, mast + hand.vary(0.75) + boom, mast + boom
    )
    jib = hand.line(
        mast + 0.88 * tip, mast - hand.vary(0.55) + boom, mast + boom
    )
    strokes = [hull, pole, main] if hand.chance(0.85) else [pole, main, hull]
    if hand.chance(0.75):
        strokes.append(jib)
    if hand.chance(0.4):
        top = mast + tip
        strokes.append(hand.line(top, top - 0.25 + 0.08j, top + 0.16j))
    if hand.chance(0.6):
        waves = line((-1.1 + depth + 0.12j, 1.1 + depth + 0.12j))
        strokes.append(scalloped(waves, hand.count(3, 5), -hand.vary(0.1)))
    return strokes


PROGRAMS: dict[str, Program] = {
    "cat": _cat,
    "fish": _fish,
    "house": _house,
    "tree": _tree,
    "flower": _flower,
    "sun": _sun,
    "car": _car,
    "umbrella": _umbrella,
    "snowman": _snowman,
    "sailboat": _sailboat,
}
CATEGORIES = tuple(PROGRAMS)


def doodle(category: str, index: int, seed: int = 0) -> Drawing:
    """Drawing `index` of a category.

    Raises:
        ValueError: a category that is not in `CATEGORIES`.
    """
    if category not in PROGRAMS:
        raise ValueError(
            "the category of a doodle must be one of "
            f"{', '.join(CATEGORIES)}; received {category!r}."
        )
    number = CATEGORIES.index(category)
    hand = Hand(np.random.default_rng([seed, number, index]))
    strokes = PROGRAMS[category](hand)
    if hand.chance(0.1):
        strokes = mirrored(strokes)
    return Drawing(
        to_stroke3(hand.finish(strokes)),
        {"category": category},
        key=f"doodle/{category}/{seed}/{index}",
    )


def doodles(per_category: int = 2000, seed: int = 0) -> Iterator[Drawing]:
    """The data set, `per_category` drawings of each category, interleaved."""
    for index in range(per_category):
        for category in CATEGORIES:
            yield doodle(category, index, seed)
