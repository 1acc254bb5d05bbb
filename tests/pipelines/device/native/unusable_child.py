"""A native process whose onnxruntime is there and cannot be imported, as one that was built for another system."""

import runpy
import sys

sys.modules["onnxruntime"] = None  # pyright: ignore[reportArgumentType]

if __name__ == "__main__":
    runpy.run_module("pipelines.device.native.child", run_name="__main__")
