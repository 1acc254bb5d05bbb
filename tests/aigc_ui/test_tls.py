"""https of the studio's own: what is wrong with a certificate is a sentence at the start, and cookies are Secure."""

import os
import ssl
from pathlib import Path

import httpx
import pytest

from aigc_ui import tls
from pipelines.errors import BadRequest
from tests.aigc_ui import certificates
from tests.aigc_ui.small_studio import until
from tests.aigc_ui.test_app import SLOW, started


def refused(certfile: Path | None, keyfile: Path | None) -> str:
    with pytest.raises(BadRequest) as problem:
        tls.certificate(certfile, keyfile)
    text = str(problem.value)
    assert len(text) < 300 and "None" not in text and "/" not in text.replace("certificate/", "")
    return text


def test_a_whole_pair_is_taken_and_none_is_none(tmp_path):
    cert, key = certificates.make(tmp_path)
    assert tls.certificate(cert, key) == tls.Certificate(cert, key)
    assert tls.certificate(None, None) is None


def test_each_thing_that_can_be_wrong_with_a_pair_has_its_own_sentence(tmp_path):
    cert, key = certificates.make(tmp_path)
    _, other = certificates.make(tmp_path, "other")
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    assert "--tls-keyfile is missing" in refused(cert, None)
    assert "--tls-certfile is missing" in refused(None, key)
    assert "is no file" in refused(tmp_path / "absent.pem", key)
    assert "is no file" in refused(tmp_path, key)
    assert "is not the key of" in refused(cert, other)
    assert "PEM" in refused(nonsense, key) and "PEM" in refused(cert, nonsense) and "PEM" in refused(key, cert)


def test_a_certificate_out_of_date_is_refused_before_browsers_do(tmp_path):
    assert "has expired" in refused(*certificates.expired(tmp_path))


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(tmp_path):
    cert, key = certificates.make(tmp_path)
    locked = tmp_path / "locked.pem"
    certificates.openssl("pkey", "-in", str(key), "-aes128", "-passout", "pass:word", "-out", str(locked))
    assert "passphrase" in refused(cert, locked)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may read every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    cert, key = certificates.make(tmp_path)
    key.chmod(0)
    assert "cannot be read" in refused(cert, key)


def test_an_unreadable_file_is_named_also_for_the_administrator(tmp_path, monkeypatch):
    cert, key = certificates.make(tmp_path)
    opened = Path.open

    def shut(self, *given, **more):
        if self == key:
            raise PermissionError(13, "Permission denied")
        return opened(self, *given, **more)

    monkeypatch.setattr(Path, "open", shut)
    assert "cannot be read" in refused(cert, key)


@pytest.mark.slow
def test_the_studio_serves_https_with_secure_cookies_and_prints_such_addresses(tmp_path):
    cert, key = certificates.make(tmp_path)
    options = ("--port", "0", "--tls-certfile", str(cert), "--tls-keyfile", str(key), "--trusted-host", "studio.test")
    with started(tmp_path, *options) as studio:
        until(lambda: "Press Ctrl+C" in studio.text(), SLOW, every=0.1)
        lines = [line.split()[-1] for line in studio.text().splitlines() if "https://" in line]
        assert lines[0].startswith("https://studio.test:") and lines[1].startswith("https://127.0.0.1:")
        address, _, token = lines[1].partition("?token=")
        with httpx.Client(base_url=address, verify=ssl.create_default_context(cafile=str(cert)), timeout=30) as client:
            opened = client.get(f"/?token={token}", headers={"accept": "text/html"})
            assert opened.status_code == 200
            assert all(
                "Secure" in cookie and "SameSite=Strict" in cookie for cookie in opened.headers.get_list("set-cookie")
            )
            assert client.get("/api/v1/images").json() == {"images": []}, "the cookie came back"
            origin = address.rstrip("/")
            assert client.get("/api/v1/images", headers={"origin": origin}).status_code == 200
            plain = origin.replace("https", "http")
            assert client.get("/api/v1/images", headers={"origin": plain}).status_code == 403
        with pytest.raises(httpx.TransportError):
            httpx.get(plain, timeout=10)
        with httpx.Client(base_url=address, verify=ssl.create_default_context(cafile=str(cert)), timeout=30) as named:
            host = {"host": "studio.test", "authorization": f"Bearer {token}"}
            assert named.get("/api/v1/images", headers=host).status_code == 200
            assert named.get("/api/v1/images", headers=host | {"host": "evil.test"}).status_code == 403
