"""Content Credentials (C2PA): whoever gets a picture can check who signed that it was made by AI, and that nothing was
changed since.

An extra (requirements-c2pa.txt). The person's own certificate signs, nobody's time stamp is asked for, and no request
goes to the network. The stored files stay as they are: what is handed out is signed.
"""

import importlib.util
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from pipelines import SOFTWARE
from pipelines.errors import BadRequest
from pipelines.files import plain
from pipelines.store import source_type

MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
LARGEST = 1 << 20  # bytes of a certificate chain or key
RECIPE = "studio.aigc.recipe"
"""The label of our own assertion: the SHA-256 of the recipe's text in the PNG."""
_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True, repr=False)
class Signer:
    """A chain of certificates and its private key, both PEM; the algorithm by C2PA's name."""

    chain: bytes
    key: bytes
    algorithm: str

    @classmethod
    def of_files(cls, chain: Path, key: Path) -> "Signer":
        """Raises BadRequest where the library is missing, or the files cannot sign."""
        if importlib.util.find_spec("c2pa") is None:
            raise BadRequest("signing needs the package c2pa-python. Install it: pip install -r requirements-c2pa.txt")
        certificates, private = _read(chain), _read(key)
        signer = cls(certificates, private, _algorithm(private, key))
        try:
            signer.signed(_one_pixel(), "png", source_type.TRAINED)
        except Exception as error:  # the library's own have no public base
            raise BadRequest(
                "{chain} and {key} cannot sign pictures: {problem}. Give the whole chain, its own certificate first, "
                "and the key that belongs to it.",
                chain=chain.name,
                key=key.name,
                problem=str(error)[:200],
            ) from None
        return signer

    def signed(self, data: bytes, kind: str, source: str, title: str = "", recipe_sha256: str = "") -> bytes:
        """The file with a manifest: `kind` of MEDIA_TYPES, `source` one of IPTC's digital source types."""
        c2pa = importlib.import_module("c2pa")
        action = {"action": "c2pa.created", "digitalSourceType": _SOURCE + source, "softwareAgent": {"name": SOFTWARE}}
        assertions: list[dict[str, Any]] = [{"label": "c2pa.actions", "data": {"actions": [action]}}]
        if recipe_sha256:
            assertions.append({"label": RECIPE, "data": {"alg": "sha256", "hash": recipe_sha256}})
        name, version = SOFTWARE.rsplit(" ", 1)
        manifest = {
            "claim_generator_info": [{"name": name, "version": version}],
            "title": title,
            "format": MEDIA_TYPES[kind],
            "assertions": assertions,
        }
        info = c2pa.C2paSignerInfo(self.algorithm.encode(), self.chain, self.key, None)
        whole = io.BytesIO()
        with c2pa.Signer.from_info(info) as signer:
            context = c2pa.Context(c2pa.Settings.from_dict(_SETTINGS))
            c2pa.Builder(manifest, context).sign(signer, MEDIA_TYPES[kind], io.BytesIO(data), whole)
        return whole.getvalue()


def _one_pixel() -> bytes:
    """A PNG that is signed at the start, so that what is wrong with a certificate is said then."""
    png = io.BytesIO()
    Image.new("RGB", (1, 1)).save(png, "PNG")
    return png.getvalue()


def _read(file: Path) -> bytes:
    try:
        return plain.read(file, LARGEST)
    except OSError as error:
        raise BadRequest("{file} cannot be read: {problem}.", file=str(file)[-60:], problem=error.strerror) from None


def _algorithm(key: bytes, file: Path) -> str:
    serialization = importlib.import_module("cryptography.hazmat.primitives.serialization")
    try:
        found = serialization.load_pem_private_key(key, None)
    except (TypeError, ValueError):
        raise BadRequest(
            "{file} holds no private key that can be read. Give one in PEM without a password.", file=file.name
        ) from None
    kind = type(found).__name__.lower()
    if "ed25519" in kind:
        return "ed25519"
    if "rsa" in kind:
        return "ps256"
    algorithm = _CURVES.get(getattr(getattr(found, "curve", None), "name", ""))
    if algorithm is None:
        raise BadRequest("{file} is a key that C2PA does not sign with. Take EC, RSA or Ed25519.", file=file.name)
    return algorithm
