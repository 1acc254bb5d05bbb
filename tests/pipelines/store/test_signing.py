"""Content Credentials: the library's own reader finds who signed, that AI made the picture, and every change since."""

import datetime
import hashlib
import importlib.util
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import BadRequest
from pipelines.store import recipe as recipes
from pipelines.store import signing, source_type
from pipelines.store.images import ImageStore
from pipelines.store.signing import Signer

needs_c2pa = pytest.mark.skipif(
    importlib.util.find_spec("c2pa") is None, reason="c2pa-python is an extra: pip install -r requirements-c2pa.txt"
)
RECIPE = {"generator": "text-to-image", "request": {"prompt": "a fox", "seed": 1}}


def certificates(folder: Path, kind: str = "ec") -> tuple[Path, Path]:
    """A chain of two, the signer's first, and the signer's key."""
    x509 = importlib.import_module("cryptography.x509")
    hashes = importlib.import_module("cryptography.hazmat.primitives.hashes")
    pem = importlib.import_module("cryptography.hazmat.primitives.serialization")
    ec = importlib.import_module("cryptography.hazmat.primitives.asymmetric.ec")
    rsa = importlib.import_module("cryptography.hazmat.primitives.asymmetric.rsa")
    root = ec.generate_private_key(ec.SECP256R1())
    own = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)

    def name(words: str) -> Any:
        parts = ((x509.NameOID.COMMON_NAME, words), (x509.NameOID.ORGANIZATION_NAME, "An artist"))
        return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])

    def certificate(words: str, key: Any, authority: bool) -> bytes:
        now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
        flags = [not authority, *[False] * 4, authority, authority, False, False]
        made = (
            x509.CertificateBuilder()
            .subject_name(name(words))
            .issuer_name(name("Authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + 30 * day)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(x509.KeyUsage(*flags), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        if not authority:
            usage = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION])
            made = made.add_extension(usage, critical=False)
        return made.sign(root, hashes.SHA256()).public_bytes(pem.Encoding.PEM)

    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(certificate("Signer", own, False) + certificate("Authority", root, True))
    key.write_bytes(own.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()))
    return chain, key


def report(data: bytes, kind: str) -> dict[str, Any]:
    """What the library's reader says of a file."""
    c2pa = importlib.import_module("c2pa")
    return json.loads(c2pa.Reader(signing.MEDIA_TYPES[kind], io.BytesIO(data)).json())


def assertions(said: dict[str, Any]) -> dict[str, Any]:
    return {one["label"]: one["data"] for one in said["manifests"][said["active_manifest"]]["assertions"]}


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)


@needs_c2pa
@pytest.mark.parametrize("kind", ("png", "jpg", "webp"))
@pytest.mark.parametrize("key", ("ec", "rsa"))
def test_what_is_handed_out_says_who_signed_that_ai_made_it(tmp_path: Path, picture, kind: str, key: str) -> None:
    store = ImageStore(tmp_path / "out", signer=Signer.of_files(*certificates(tmp_path, key)))
    image_id = store.save(picture, RECIPE, "me")
    data = store.handed_out(image_id) if kind == "png" else store.copy(image_id, kind, 90)
    said = report(data, kind)
    assert said["validation_state"] == "Valid"
    manifest = said["manifests"][said["active_manifest"]]
    assert manifest["signature_info"]["issuer"] == "An artist" and manifest["title"] == image_id
    found = assertions(said)
    [action] = found["c2pa.actions.v2"]["actions"]
    assert action["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    text = recipes.head(store.path(image_id)).texts["aigc"]
    assert found[signing.RECIPE]["hash"] == hashlib.sha256(text.encode()).hexdigest()
    if kind == "png":
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), picture)
        assert recipes.read(data)["request"] == RECIPE["request"], "other tools still read the settings"
    assert store.path(image_id).read_bytes().find(b"c2pa") < 0, "the stored file stays as it is"


@needs_c2pa
def test_one_changed_letter_is_found(tmp_path: Path, picture) -> None:
    store = ImageStore(tmp_path / "out", signer=Signer.of_files(*certificates(tmp_path)))
    data = bytearray(store.handed_out(store.save(picture, RECIPE)))
    data[data.index(b"a fox")] = ord("o")
    said = report(bytes(data), "png")
    assert said["validation_state"] == "Invalid"
    assert "assertion.dataHash.mismatch" in {status["code"] for status in said["validation_status"]}


@needs_c2pa
def test_a_picture_of_somebodys_own_is_signed_as_composite_also_where_its_file_does_not_say_so(
    tmp_path: Path, picture
) -> None:
    undeclared = ImageStore(tmp_path / "out", declared=False)
    image_id = undeclared.save(picture, {**RECIPE, "request": RECIPE["request"] | {"image": "0" * 64}})
    store = ImageStore(tmp_path / "out", signer=Signer.of_files(*certificates(tmp_path)))
    [action] = assertions(report(store.handed_out(image_id), "png"))["c2pa.actions.v2"]["actions"]
    assert action["digitalSourceType"].endswith(f"/{source_type.COMPOSITE}")


@needs_c2pa
@pytest.mark.parametrize("fault", ("no file", "no key", "another key", "no chain", "half a chain"))
def test_what_cannot_sign_is_said_at_the_start(tmp_path: Path, fault: str) -> None:
    chain, key = certificates(tmp_path)
    (tmp_path / "other").mkdir()
    match fault:
        case "no file":
            chain = tmp_path / "nowhere.pem"
        case "no key":
            key.write_text("not a key")
        case "another key":
            key = certificates(tmp_path / "other")[1]
        case "no chain":
            chain.write_text("no certificate")
        case "half a chain":
            chain.write_bytes(chain.read_bytes()[:300])
    with pytest.raises(BadRequest, match="cannot be read|no private key|cannot sign pictures"):
        Signer.of_files(chain, key)


def test_without_the_library_the_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadRequest, match=r"pip install -r requirements-c2pa\.txt"):
        Signer.of_files(tmp_path / "chain.pem", tmp_path / "key.pem")


def test_without_a_signer_the_file_is_as_before(tmp_path: Path, picture) -> None:
    store = ImageStore(tmp_path)
    assert b"c2pa" not in store.handed_out(store.save(picture, RECIPE))
