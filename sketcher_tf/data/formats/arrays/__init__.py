"""NumPy files: drawings in npz and npy, and what their numbers mean."""
