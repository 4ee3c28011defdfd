"""The certificate of the HTTP and the gRPC port."""

from __future__ import annotations

import ssl
from pathlib import Path

from qwen3tts.errors import InputError


def check_certificate(chain: Path | None, key: Path | None) -> None:
    """Raise InputError unless these PEM files are a certificate, with its chain, and the key to it, or there is neither."""
    if chain is None and key is None:
        return
    if chain is None or key is None:
        given, missing = ("--tls-key", "--tls-cert") if chain is None else ("--tls-cert", "--tls-key")
        raise InputError(f"{given} was given without {missing}: give both, or leave it out")
    for option, path in (("--tls-cert", chain), ("--tls-key", key)):
        _check_pem(option, path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key, password=_refuse_password)
    except _EncryptedKey:
        raise InputError(f"--tls-key {str(key)!r} is encrypted: give a key without a password") from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise InputError(f"--tls-key {str(key)!r} does not belong to --tls-cert {str(chain)!r}: give the pair") from error
        reason = (error.reason or "damaged").lower().replace("_", " ")
        raise InputError(
            f"--tls-cert {str(chain)!r} and --tls-key {str(key)!r} cannot be used ({reason}): give PEM files"
        ) from error


class _EncryptedKey(Exception):
    """The key asks for a password, which nobody is there to type."""


def _refuse_password() -> str:
    raise _EncryptedKey


def _check_pem(option: str, path: Path) -> None:
    wanted = b"CERTIFICATE-----" if option == "--tls-cert" else b"PRIVATE KEY-----"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{option} {str(path)!r} cannot be read ({error.strerror}): check the path") from error
    if wanted not in data:
        kind = "certificate" if option == "--tls-cert" else "private key"
        raise InputError(f"{option} {str(path)!r} holds no {kind} in PEM form: give a file that begins with -----BEGIN")
