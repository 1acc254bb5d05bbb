"""Certificates for tests, signed by themselves with the openssl program; tests skip where it is missing."""

import shutil
import subprocess
from pathlib import Path

import pytest

NAME = "studio.test"


def make(folder: Path, name: str = "own") -> tuple[Path, Path]:
    """(certificate, key) for studio.test and 127.0.0.1."""
    cert, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    words += ["-keyout", str(key), "-out", str(cert), "-subj", f"/CN={NAME}"]
    openssl(*words, "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1")
    return cert, key


def expired(folder: Path) -> tuple[Path, Path]:
    cert, key = make(folder)
    old = folder / "expired.pem"
    openssl("x509", "-in", str(cert), "-signkey", str(key), "-days", "-1", "-out", str(old))
    return old, key


def openssl(*words: str) -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl on this machine; install it to run this")
    subprocess.run([program, *words], capture_output=True, check=True)
