"""The environment of every test: offline, no telemetry, threads that do not spin."""

from pipelines.libs import prepare_environment

prepare_environment()
