"""Secrets are left out of everything that is shown or kept.

`masked` is applied where text leaves: to the text of errors, to what a process prints (see
`mizzen.streams`), and to each address that is stored. It knows the shape of credentials in
addresses, and the values themselves: of the process's environment, and of the addresses that
`remember` was given, since libraries print a password apart from its address.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

MASK = "***"
_LEAST = 6  # characters of a secret that is masked wherever it stands

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^\s/?#'\"<>]*)@")
_WORD = (
    r"(?:password|passwd|pwd|sslpassword|secret|token|access_token|api_?key|sig|signature"
    r"|x-amz-[a-z-]+)"
)
_QUERY = re.compile(rf"(?i)([?&;]{_WORD}=)[^&\s'\"<>]+")
_SETTING = re.compile(
    r"(?i)(\b(?:password|passwd|pwd|sslpassword)\s*=\s*)('[^']+'|\"[^\"]+\"|[^\s,;&)'\"]+)"
)
_JSON = re.compile(rf"(?i)([\"']{_WORD}[\"']\s*:\s*)(\"[^\"]+\"|'[^']+')")
_HEADER = re.compile(r"(?i)(\bauthorization['\"]?\s*[:=]\s*['\"]?(?:basic|bearer)\s+)[^\s'\"`]{8,}")
_VARIABLE = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|ACCESS_KEY|API_KEY|PRIVATE_KEY)$")

_remembered: set[str] = set()


def remember(addresses: Iterable[str | None]) -> None:
    """Mask the credentials in these addresses from now on, also where they stand alone."""
    for address in addresses:
        _remembered.update(_secrets_in(address or ""))


def masked(text: str) -> str:
    """The text without credentials."""
    text = _ADDRESS.sub(_without_secret, text)
    text = _QUERY.sub(rf"\1{MASK}", text)
    text = _SETTING.sub(rf"\1{MASK}", text)
    text = _JSON.sub(rf'\1"{MASK}"', text)
    text = _HEADER.sub(rf"\1{MASK}", text)
    for secret in sorted(_remembered | set(_in_environment()), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def without_credentials(address: str) -> str:
    """The address as anybody may ask it."""
    return _ADDRESS.sub(r"\1", address)


def holds_credentials(address: str) -> bool:
    """Whether an address carries a password or a token."""
    return without_credentials(address) != address or _QUERY.search(address) is not None


def _without_secret(found: re.Match[str]) -> str:
    scheme, credentials = found.groups()
    user, colon, _ = credentials.partition(":")
    if colon:
        return f"{scheme}{user}:{MASK}@"
    # a token stands where a name may stand
    return f"{scheme}{MASK}@" if scheme.startswith("http") else found.group()


def _secrets_in(address: str) -> Iterator[str]:
    for scheme, credentials in _ADDRESS.findall(address):
        user, colon, password = credentials.partition(":")
        secret = password if colon else credentials if scheme.startswith("http") else ""
        yield from filter(_telling, {secret, unquote(secret)})
        if colon:
            pair = f"{unquote(user)}:{unquote(password)}".encode()
            yield base64.b64encode(pair).decode()
    for found in _QUERY.finditer(address):
        value = found.group()[len(found.group(1)) :]
        yield from filter(_telling, {value, unquote(value)})


def _in_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if _VARIABLE.search(name) and _telling(value):
            yield value
        elif "://" in value and "@" in value:
            yield from _secrets_in(value)


def _telling(secret: str) -> bool:
    """Whether a text is a secret wherever it stands; `postgres` is also a word."""
    return len(secret) >= _LEAST and not secret.isalpha()
