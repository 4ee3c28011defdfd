"""The hot operations at the released shapes, on the CPU: `pytest bench/ --benchmark-only`, or `make bench`."""
