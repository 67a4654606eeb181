"""How the control API is reached: its address, the token, TLS."""

from __future__ import annotations

import ipaddress
import logging
import os
import ssl
from urllib.parse import urlsplit

from mizzen.adapters.http.client import HttpClient
from mizzen.errors import UserError
from mizzen.spec.profile import Control

logger = logging.getLogger("mizzen.control")
SECONDS = 75.0  # above the limits of the server, so that its words arrive


def client_of(control: Control) -> HttpClient:
    """Asks the API of a profile.

    Raises:
        UserError: its address, token or certificate file does not fit.
    """
    parts = urlsplit(control.url or "")
    if parts.scheme not in {"http", "https"} or parts.hostname is None or "@" in parts.netloc:
        raise UserError(
            "`control.url` of the profile is no address of a control API",
            given=control.url if "@" not in parts.netloc else "an address with credentials",
            allowed="https://HOST, or http://HOST:PORT",
        )
    headers = {"Authorization": f"Bearer {_token(control)}"}
    tls = _tls(control) if parts.scheme == "https" else None
    if tls is None and not _is_local(parts.hostname):
        host = parts.hostname
        logger.warning("warning: the token travels unencrypted to %s; use https", host)
    return HttpClient(str(control.url), headers=headers, seconds=SECONDS, tls=tls)


def _token(control: Control) -> str:
    token = os.environ.get(control.token_env, "").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise UserError(
            "there is no token for the control API",
            given=f"{control.token_env} is not set" if not token else "a token with odd characters",
            allowed=f"the bearer token in the environment variable {control.token_env}",
            next_step="ask whoever runs the platform: it is in the Secret mizzen-api-token",
        )
    return token


def _tls(control: Control) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=control.ca_file)
    except OSError as error:
        raise UserError(
            "`control.ca_file` of the profile cannot be read",
            given=f"{control.ca_file}: {error}",
            allowed="a file with certificates in PEM",
        ) from None


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
