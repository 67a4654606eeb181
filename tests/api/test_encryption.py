"""TLS: the client checks whom it talks to, and says so when the token travels in the open."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mizzen.errors import TemporaryError, UserError
from mizzen.spec.profile import Control
from mizzen.state.remote import open_remote
from mizzen_tests.api_server import TOKEN, ApiServer


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of this machine, which is its own authority, and its key."""
    return _certificate(tmp_path, "server")


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIZZEN_API_TOKEN", TOKEN)


def test_a_client_with_the_authority_gets_answers_and_others_do_not(
    start_api: Any, database: dict[str, str], certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    words = ("--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]))
    server: ApiServer = start_api(database, *words, ready=False, scheme="https")
    url = f"https://127.0.0.1:{server.port}"
    good = open_remote(Control(url=url, ca_file=str(certificate[0])))
    assert good.about().tables
    other = _certificate(tmp_path, "other")[0]
    for authority in (None, str(other)):
        with pytest.raises(UserError, match=r"not trusted(.|\n)*control.ca_file"):
            open_remote(Control(url=url, ca_file=authority)).about()
    by_name = Control(url=f"https://localhost:{server.port}", ca_file=str(certificate[0]))
    with pytest.raises(UserError, match="not trusted"):
        open_remote(by_name).about()


def test_a_certificate_without_its_key_is_refused_at_the_start(
    start_api: Any, database: dict[str, str], certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    other = _certificate(tmp_path, "other")[1]
    for words in (
        ("--tls-cert", str(certificate[0])),
        ("--tls-cert", str(certificate[0]), "--tls-key", str(other)),
        ("--tls-cert", "/nowhere", "--tls-key", str(other)),
    ):
        with pytest.raises(AssertionError, match=r"error: (--tls-cert and|the certificate)"):
            start_api(database, *words)


def test_a_token_in_the_open_is_warned_of_unless_it_stays_here(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "mizzen.control"):
        for url in ("http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"):
            open_remote(Control(url=url))
        assert not caplog.records
        open_remote(Control(url="http://mizzen.example.org"))
    assert "unencrypted" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("url", ["ftp://x", "here", "https://me:secret@host", "http://"])
def test_what_is_no_address_is_an_error_that_tells_no_password(url: str) -> None:
    with pytest.raises(UserError, match=r"control\.url") as caught:
        open_remote(Control(url=url))
    assert "secret" not in str(caught.value)


def test_a_missing_token_or_authority_is_told_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UserError, match="ca_file"):
        open_remote(Control(url="https://localhost:1", ca_file="/nowhere"))
    monkeypatch.delenv("MIZZEN_API_TOKEN")
    with pytest.raises(UserError, match="MIZZEN_API_TOKEN is not set"):
        open_remote(Control(url="http://localhost:1"))
    with pytest.raises(UserError, match="MY_TOKEN is not set"):
        open_remote(Control(url="http://localhost:1", token_env="MY_TOKEN"))


def test_a_wrong_token_is_told_as_the_variable_that_held_it(
    api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "wrong-but-secret")
    with pytest.raises(UserError, match="MY_TOKEN") as caught:
        open_remote(Control(url=api.address, token_env="MY_TOKEN")).about()
    assert "wrong-but-secret" not in str(caught.value)


def test_an_api_that_is_away_is_an_error_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from mizzen.state.remote import connection

    monkeypatch.setattr(connection, "READ_SECONDS", 0.2)
    with pytest.raises(TemporaryError, match=r"does not answer(.|\n)*mizzen doctor"):
        open_remote(Control(url="http://127.0.0.1:1")).about()


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / f"{name}.crt", folder / f"{name}.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return public, private
