"""Draws with a .tflite file, as an app on a phone does: LiteRT and NumPy.

The loops here are the ones of the guide and of the web demo.
"""

import dataclasses
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, SignatureRunner

from sketcher_tf.contract import Arrays
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import stroke3_to_stroke5, stroke5_to_stroke3

from .metadata import read_metadata
from .picture import picture
from .readings import Reading, extent, moved, readings


class PhoneSketcher:
    """A loaded file.

    Args:
        content: of the file.
    """

    def __init__(self, content: bytes) -> None:
        self.metadata = read_metadata(content)
        self._interpreter = Interpreter(model_content=content, num_threads=1)

    @classmethod
    def load(cls, path: str | Path) -> "PhoneSketcher":
        """Loads a file."""
        return cls(Path(path).read_bytes())

    @property
    def encodes(self) -> bool:
        """Whether the file has an encoder."""
        return self._has("encode")

    @property
    def recognizes(self) -> bool:
        """Whether the file has a critic."""
        return self._has("recognize")

    def run(self, signature: str, **inputs: np.ndarray) -> Arrays:
        """One call of a signature."""
        return self._runner(signature)(**inputs)

    def inputs(self, signature: str) -> dict[str, tuple[list[int], type]]:
        """The shape and the type of each input of a signature."""
        details = self._runner(signature).get_input_details()
        return {
            name: (of["shape"].tolist(), of["dtype"])
            for name, of in details.items()
        }

    def generate(
        self, condition: np.ndarray, temperature: float, seed: int
    ) -> Sketch:
        """Draws what `Sketcher.generate` draws first with this seed.

        Args:
            condition: float32 [C].
            temperature: tau; 0 takes the likeliest at each step.
            seed: int32.
        """
        noise = self._noise(seed)
        progress = self._start(condition, noise, temperature)
        return self._sketch(self._draw(progress, noise, temperature, 0))

    def complete(
        self,
        given: Sketch,
        condition: np.ndarray,
        temperature: float,
        seed: int,
    ) -> Sketch:
        """Continues a drawing as `Sketcher.complete` does in its first way.

        Args:
            given: what has been drawn so far, in pixels.
            condition: float32 [C].
            temperature: tau; 0 takes the likeliest at each step.
            seed: int32.
        """
        (sketch,) = self.suggest(given, condition, temperature, seed, 1)
        return sketch

    def suggest(
        self,
        given: Sketch,
        condition: np.ndarray,
        temperature: float,
        seed: int,
        count: int,
    ) -> list[Sketch]:
        """Continues a drawing in several ways, the first as one try does.

        Its readings take turns: what the first one begins with is as given.

        Args:
            given: what has been drawn so far, in pixels.
            condition: float32 [C].
            temperature: tau; 0 takes the likeliest at each step.
            seed: int32.
            count: how many, at most 8.
        """
        wanted = readings(given)[:count]
        ways = [
            self._read(one.sketch, condition, temperature, seed)
            for one in wanted
        ]
        return [
            self._go_on(
                wanted[k % len(wanted)],
                {
                    name: rows[k // len(wanted)][None]
                    for name, rows in ways[k % len(wanted)].items()
                },
                self._noise(seed, k),
                temperature,
            )
            for k in range(count)
        ]

    def _go_on(
        self,
        reading: Reading,
        progress: Arrays,
        noise: Arrays,
        temperature: float,
    ) -> Sketch:
        """Draws on from a reading, and puts that to what was given."""
        first = len(reading.given.stroke3)
        drawn = self._draw(progress, noise, temperature, first)
        points = self.to_points(reading.sketch)
        whole = np.concatenate([points[:first], drawn])
        back = reading.put_back(self._sketch(whole))
        limit = self.metadata["max_seq_len"]
        return dataclasses.replace(back, stroke3=back.stroke3[:limit])

    def _read(
        self,
        given: Sketch,
        condition: np.ndarray,
        temperature: float,
        seed: int,
    ) -> Arrays:
        """Context, state and last point of each way to go on, a row each."""
        ways = self.run(
            "encode_prefix",
            **self._candidates(seed),
            condition=condition[None],
            points=self.to_points(given)[None, :-1],
            length=np.array([len(given.stroke3)], np.int32),
            temperature=_one(temperature),
        )
        point = np.repeat(ways["point"], len(ways["state"]), axis=0)
        return {
            "context": ways["context"],
            "state": ways["state"],
            "point": point,
        }

    def encode(self, sketch: Sketch, condition: np.ndarray) -> np.ndarray:
        """Latents of a drawing, float32 [Z], as `AISketcher.encode` has them.

        Args:
            sketch: a whole drawing of at least one point, in pixels.
            condition: float32 [C].
        """
        inputs = {"condition": condition[None], **self._whole(sketch)}
        seen, _ = self.inputs("encode").get("picture", ((), None))
        if seen:
            image = picture(sketch.polylines, seen[1])
            inputs["picture"] = image.reshape(seen)
        return self.run("encode", **inputs)["latents"][0]

    def recognize(self, sketch: Sketch) -> np.ndarray:
        """What the critic sees: log p of each value of each factor [C].

        Args:
            sketch: a whole drawing of at least one point, in pixels.
        """
        return self.run("recognize", **self._whole(sketch))["log_probs"][0]

    def optimize(
        self,
        sketch: Sketch,
        condition: np.ndarray,
        share: float,
        temperature: float,
        seed: int,
        count: int,
    ) -> list[Sketch]:
        """Draws a drawing anew in several ways, where it was and as large.

        Args:
            sketch: a whole drawing of at least one point, in pixels.
            condition: float32 [C].
            share: how far its latents move to one of the ways in which the
                condition is drawn: 0 stays near the drawing, 1 forgets it.
            temperature: tau; 0 takes the likeliest at each step.
            seed: int32.
            count: how many; the first moves to the nearest way, the second to
                the next one, and so on.
        """
        place, scale = extent(sketch)
        mine = self.encode(moved(sketch, -place * scale, scale), condition)
        ways = self._ways(condition, seed, mine)
        sketches = []
        for k in range(count):
            latents = mine + np.float32(share) * (ways[k % len(ways)] - mine)
            progress = self.run(
                "start", condition=condition[None], latents=latents[None]
            )
            drawn = self._draw(progress, self._noise(seed, k), temperature, 0)
            sketches.append(moved(self._sketch(drawn), place, 1 / scale))
        return sketches

    def _ways(
        self, condition: np.ndarray, seed: int, near: np.ndarray
    ) -> np.ndarray:
        """Middles of the prior's Gaussians, [W, Z], the nearest one first."""
        middles = [
            self.run(
                "prior",
                condition=condition[None],
                latent_noise=row[None],
                temperature=_one(0),
            )["latents"][0]
            for row in self._candidates(seed)["candidates"]
        ]
        distinct = np.unique(middles, axis=0)
        distances = ((distinct - near).astype(np.float64) ** 2).sum(axis=1)
        return distinct[np.argsort(distances)]

    def generate_at_once(
        self, condition: np.ndarray, temperature: float, seed: int
    ) -> Sketch:
        """`generate` in one call of the file."""
        noise = self._noise(seed)
        points = self.run(
            "generate",
            **self._start(condition, noise, temperature),
            **{name: noise[name] for name in ("component", "pen", "offset")},
            temperature=_one(temperature),
        )["points"]
        return self._sketch(points[0])

    def predict(
        self, points: np.ndarray, condition: np.ndarray, latents: np.ndarray
    ) -> np.ndarray:
        """What each point is drawn from, teacher forced, [T, 6M + 3].

        Args:
            points: stroke-5 float32 [T, 5], in units of the scale factor.
            condition: float32 [C].
            latents: float32 [Z].
        """
        progress = self.run(
            "start", condition=condition[None], latents=latents[None]
        )
        nothing = np.zeros(1, np.float32)
        rows = []
        for point in points:
            step = self.run(
                "step",
                **progress,
                component=nothing,
                pen=nothing,
                offset=np.zeros((1, 2), np.float32),
                temperature=nothing,
            )
            rows.append(step["params"][0])
            progress = {
                **progress,
                "state": step["state"],
                "point": point[None],
            }
        return np.stack(rows)

    def to_points(self, sketch: Sketch) -> np.ndarray:
        """Stroke-5 float32 [T, 5] in units of the scale factor."""
        stroke3 = sketch.stroke3.copy()
        stroke3[:, :2] /= self.metadata["scale_factor"]
        return stroke3_to_stroke5(stroke3, self.metadata["max_seq_len"] + 1)

    def _whole(self, sketch: Sketch) -> Arrays:
        """A drawing as the encoder takes it."""
        return {
            "points": self.to_points(sketch)[None, :-1],
            "length": np.array([len(sketch.stroke3)], np.int32),
        }

    def _noise(self, seed: int, number: int = 0) -> Arrays:
        # The second number tells the sketches of one seed apart.
        return self.run("noise", seed=np.array([[seed, number]], np.int32))

    def _candidates(self, seed: int) -> Arrays:
        return self.run("candidates", seed=np.array([[seed, 0]], np.int32))

    def _start(
        self, condition: np.ndarray, noise: Arrays, temperature: float
    ) -> Arrays:
        """Context, state and point of a new drawing."""
        condition = condition[None]
        latents = self.run(
            "prior",
            condition=condition,
            latent_noise=noise["latent_noise"],
            temperature=_one(temperature),
        )
        return self.run("start", condition=condition, **latents)

    def _draw(
        self, progress: Arrays, noise: Arrays, temperature: float, first: int
    ) -> np.ndarray:
        """The points after the first ones, float32 [N, 5]."""
        context, state, point = (
            progress[name] for name in ("context", "state", "point")
        )
        drawn = [np.zeros((0, 5), np.float32)]
        count = self.metadata["max_seq_len"] + 1 - first
        while count > 0:
            steps = self.run(
                "steps",
                context=context,
                state=state,
                point=point,
                component=noise["component"],
                pen=noise["pen"],
                offset=noise["offset"],
                temperature=_one(temperature),
            )
            state, point = steps["state"], steps["point"]
            drawn.append(steps["points"][0, :count])
            count -= len(drawn[-1])
            if point[0, 4] > 0:
                break
        return np.concatenate(drawn)

    def _sketch(self, points: np.ndarray) -> Sketch:
        limit = self.metadata["max_seq_len"]
        stroke3 = stroke5_to_stroke3(points)[:limit]
        stroke3[:, :2] *= self.metadata["scale_factor"]
        return Sketch(stroke3, finished=bool((points[:, 4] > 0).any()))

    def _has(self, signature: str) -> bool:
        return signature in self._interpreter.get_signature_list()

    def _runner(self, signature: str) -> SignatureRunner:
        return self._interpreter.get_signature_runner(signature)


def _one(number: float) -> np.ndarray:
    return np.array([number], np.float32)
