"""Prints every table that the README quotes."""

from benchmarks import engine, live_view, page, picture, start

for measurement in (picture, page, live_view, start, engine):
    measurement.main()
    print()
