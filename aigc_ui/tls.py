"""The key and certificate with which the studio encrypts, tried before it starts to listen."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import BadRequest

EXPIRED, NOT_YET = 10, 9  # OpenSSL's numbers


@dataclass(frozen=True)
class Certificate:
    """Two PEM files: the certificate with those of its issuers after it, and its private key."""

    certfile: Path
    keyfile: Path


def certificate(certfile: Path | None, keyfile: Path | None) -> Certificate | None:
    """Of --tls-certfile and --tls-keyfile; None without both. Raises BadRequest for what browsers would not take."""
    if certfile is None and keyfile is None:
        return None
    if certfile is None or keyfile is None:
        missing = "--tls-certfile" if certfile is None else "--tls-keyfile"
        raise BadRequest("{missing} is missing: https needs a certificate and its key. Give both.", missing=missing)
    for option, file in (("--tls-certfile", certfile), ("--tls-keyfile", keyfile)):
        _check_readable(option, file)
    _check_dates(_loaded(certfile, keyfile), certfile)
    return Certificate(certfile, keyfile)


def _check_readable(option: str, file: Path) -> None:
    if not file.is_file():
        raise BadRequest(
            "{option} {file!r} is no file. Name a PEM file that is there.", option=option, file=file.name[-60:]
        )
    try:
        with file.open("rb") as opened:
            opened.read(1)
    except OSError:
        raise BadRequest(
            "{option} {file!r} cannot be read by this account. Change its owner or its rights.",
            option=option,
            file=file.name[-60:],
        ) from None


def _loaded(certfile: Path, keyfile: Path) -> ssl.SSLContext:
    def no_passphrase() -> str:
        raise BadRequest(
            "--tls-keyfile has a passphrase, which nobody is there to type. "
            "Write it without one: openssl pkey -in KEY -out NEWKEY."
        )

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certfile, keyfile, no_passphrase)
    except ssl.SSLError as problem:
        if problem.reason == "KEY_VALUES_MISMATCH":
            raise BadRequest(
                "--tls-keyfile is not the key of --tls-certfile. Give the key that the certificate was made with."
            ) from None
        raise BadRequest(
            "--tls-certfile and --tls-keyfile must be a certificate and its private key as PEM text "
            "(-----BEGIN CERTIFICATE-----, -----BEGIN PRIVATE KEY-----)."
        ) from None
    return context


def _check_dates(server: ssl.SSLContext, certfile: Path) -> None:
    """By a handshake with ourselves in memory, which trusts this one certificate and so finds nothing but its dates."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(certfile)
    forth, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(back, forth), server.wrap_bio(forth, back, server_side=True))
    for turn in range(8):
        try:
            ends[turn % 2].do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as problem:
            if problem.verify_code in (EXPIRED, NOT_YET):
                if problem.verify_code == EXPIRED:
                    raise BadRequest("--tls-certfile has expired: browsers would refuse it. Renew it.") from None
                raise BadRequest("--tls-certfile is not valid yet: browsers would refuse it. Renew it.") from None
            return  # whether it can be trusted otherwise is for browsers to say
        except ssl.SSLError:
            return
