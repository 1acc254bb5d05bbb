"""Prints every table that the README quotes."""

from benchmarks import embedded, engine, live_view, page, picture, start

for measurement in (picture, embedded, page, live_view, start, engine):
    measurement.main()
    print()
