"""What `python -m stream.benchmark` measures, and how it tells."""
