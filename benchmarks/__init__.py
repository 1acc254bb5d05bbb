"""Measurements that the README quotes: `python -m benchmarks` prints them all, `python -m benchmarks.NAME` one."""
