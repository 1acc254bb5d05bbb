"""A confined child for tests: it answers, or does what a stranger's file may make it do."""

import os
import sys
import time

from pipelines.confined import serving
from pipelines.errors import BadRequest


def echo(task, data):
    return {"said": task["say"], "pid": os.getpid()}, data[::-1]


def refuse(task, data):
    raise BadRequest("{what} is refused.", what="this")


def fail(task, data):
    raise KeyError("/secret/path")


def die(task, data):
    os.kill(os.getpid(), 9)


def sleep(task, data):
    time.sleep(60)


def spin(task, data):
    while True:
        pass


def fill(task, data):
    return {"bytes": len(bytearray(2**31))}, b""


def write(task, data):
    with open(task["path"], "w") as file:
        file.write("here")
    return {}, b""


if __name__ == "__main__":
    handlers = {f.__name__: f for f in (echo, refuse, fail, die, sleep, spin, fill, write)}
    sys.exit(serving.serve(handlers, memory=2**26, cpu_seconds=1, most_bytes=2**20))
