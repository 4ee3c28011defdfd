"""Benchmarks: `python -m bench.NAME`, or `qwen3tts bench NAME`."""
