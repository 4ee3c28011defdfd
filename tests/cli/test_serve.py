"""`qwen3tts serve`: wrong use is one line and exit code 2, before torch is imported or a weight is read."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

TIMEOUT = 60
NOWHERE = ("--http-addr", "127.0.0.1:0", "--grpc-addr", "none")


@pytest.fixture(autouse=True)
def without_keys(monkeypatch):
    monkeypatch.delenv("QWEN3TTS_API_KEYS", raising=False)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key."""
    certificate = trustme.CA().issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    return tmp_path / "cert.pem", tmp_path / "key.pem"


def refused(done) -> str:
    """The one line of a command that was used wrongly."""
    assert (done.code, done.out) == (2, b"")
    assert done.err.startswith("qwen3tts: error: ") and done.err.count("\n") == 1
    return done.err.removeprefix("qwen3tts: error: ")


@pytest.mark.parametrize("option", ["--http-addr", "--grpc-addr", "--wyoming-addr"])
@pytest.mark.parametrize(
    "address", ["8080", ":8080", "localhost", "localhost:", "localhost:http", "::1:8080", "h:65536", "h:-1", ""]
)
def test_addresses_that_are_none(cli, option, address):
    line = refused(cli("serve", option, address))
    assert line.startswith(f"{option} {address!r} is not HOST:PORT: give one like ")


def test_no_listener_at_all(cli):
    assert "are all none" in refused(cli("serve", "--http-addr", "none", "--grpc-addr", "none"))


@pytest.mark.parametrize(
    "arguments",
    [
        *[("--max-text", value) for value in ("0", "10000001", "many")],
        *[("--max-upload-mb", value) for value in ("0", "1025")],
        ("--max-connections", "0"),
        ("--requests-per-minute", "0"),
        ("--queue", "0"),
        ("--max-batch", "0"),
        ("--drain-seconds", "-1"),
        ("--log-format", "xml"),
        ("--log-level", "loud"),
        ("--device", "tpu"),
        ("--quantize", "int3"),
        ("--cors-origin", "example.org"),
        ("--cors-origin", "https://example.org/path"),
        ("--otlp-endpoint", "localhost:4318"),
    ],
    ids=" ".join,
)
def test_values_out_of_range(cli, arguments):
    assert arguments[0].strip("-").replace("-", "") in refused(cli("serve", *arguments)).replace("-", "")


def test_a_certificate_without_its_key(cli, pair):
    assert "--tls-cert was given without --tls-key" in refused(cli("serve", "--tls-cert", pair[0]))
    assert "--tls-key was given without --tls-cert" in refused(cli("serve", "--tls-key", pair[1]))


def test_certificates_that_do_not_serve(cli, pair, tmp_path):
    certificate, key = pair
    other = tmp_path / "other.pem"
    trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(other)
    broken = tmp_path / "broken.pem"
    broken.write_bytes(certificate.read_bytes()[:200] + b"\n-----END CERTIFICATE-----\n")
    encrypted = tmp_path / "encrypted.pem"
    encrypt = ["openssl", "pkey", "-in", key, "-aes128", "-passout", "pass:secret", "-out", encrypted]
    subprocess.run(encrypt, check=True, capture_output=True)
    cases = {
        (tmp_path / "none", key): "--tls-cert '.*none' cannot be read (No such file",
        (certificate, tmp_path): "cannot be read (Is a directory",
        (key, key): "holds no certificate in PEM form",
        (certificate, certificate): "holds no private key in PEM form",
        (certificate, other): "does not belong to --tls-cert",
        (broken, key): "cannot be used (",
        (certificate, encrypted): "is encrypted",
    }
    for (first, second), message in cases.items():
        assert message.rpartition(".*")[2] in refused(cli("serve", "--tls-cert", first, "--tls-key", second))


def test_bad_keys(cli, tmp_path, monkeypatch):
    (tmp_path / "keys").write_text("alice=secret\n")
    assert "key 1 has a secret of 6 characters" in refused(cli("serve", "--api-keys", tmp_path / "keys"))
    assert "cannot be read" in refused(cli("serve", "--api-keys", tmp_path / "none"))
    monkeypatch.setenv("QWEN3TTS_API_KEYS", "")
    assert "QWEN3TTS_API_KEYS holds no key" in refused(cli("serve"))


def test_wrong_use_is_told_without_torch(tmp_path):
    script = """
import sys
from qwen3tts.cli.main import main
lines = ["--help", "--http-addr x", "--tls-cert /none --tls-key /none", "--api-keys /none", "--queue x"]
codes = [main(["serve", *line.split()]) for line in lines]
assert codes == [0, 2, 2, 2, 2], codes
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=TIMEOUT, cwd=tmp_path, capture_output=True)


def test_a_port_in_use_is_one_line_and_no_model_is_loaded(start, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        process = start("serve", "--http-addr", address, "--grpc-addr", "none", "--model", tmp_path / "none")
        out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out, err.count(b"\n")) == (2, b"", 1)
    assert err.startswith(f"qwen3tts: error: --http-addr '{address}' cannot be bound (Address already in use)".encode())


def test_a_model_that_cannot_be_loaded_is_one_line(start, tmp_path):
    process = start("serve", *NOWHERE, "--model", tmp_path)
    _, err = process.communicate(timeout=TIMEOUT)
    starting, error = err.decode().splitlines()
    assert process.returncode == 2
    assert json.loads(starting)["message"] == "starting"
    assert error.startswith("qwen3tts: error: ") and "lacks config.json" in error
