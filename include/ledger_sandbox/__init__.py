"""The stand-in platform: for the demo, the tests and the benchmarks. Nothing of it runs in production."""
