"""Train, evaluate, export and quantize SCRFD face detectors."""
