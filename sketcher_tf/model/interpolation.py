"""Walks between latents. NumPy only, so that clients can walk too."""

import numpy as np


def slerp(start: np.ndarray, stop: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Spherical interpolation between vectors [Z] at shares [N, 1]: [N, Z].

    Latents of a Gaussian lie near a sphere, and so does what is between them.
    """
    # In float32 opposite vectors would seem to have an arc between them.
    start, stop, share = (
        np.asarray(x, np.float64) for x in (start, stop, share)
    )
    norms = np.linalg.norm(start) * np.linalg.norm(stop)
    cosine = np.clip(start @ stop / norms, -1, 1) if norms else 1.0
    angle = np.arccos(cosine)
    if np.sin(angle) < 1e-6:  # parallel: there is no arc
        return (1 - share) * start + share * stop
    return (
        np.sin((1 - share) * angle) * start + np.sin(share * angle) * stop
    ) / np.sin(angle)
