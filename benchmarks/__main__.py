"""Prints every table that the README quotes."""

from benchmarks import live_view, picture, start

for measurement in (picture, live_view, start):
    measurement.main()
    print()
