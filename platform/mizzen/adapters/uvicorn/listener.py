"""The listening socket: bound with a clear error, and closed without breaking a connection."""

from __future__ import annotations

import ctypes
import socket
import struct
from contextlib import suppress

from mizzen.errors import Conflict

_SO_ATTACH_FILTER = 26
# A classic BPF program over a TCP segment: drop it if it has the SYN flag, else take it.
_DROP_SYN = (
    (0x30, 0, 0, 13),  # load the byte of flags
    (0x45, 0, 1, 0x02),  # is SYN among them?
    (0x06, 0, 0, 0),  # yes: drop
    (0x06, 0, 0, 0xFFFFFFFF),  # no: take all of it
)


def bind(host: str, port: int, option: str = "--port") -> socket.socket:
    """A bound socket.

    Raises:
        Conflict: the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Conflict(
            f"cannot listen on {host}:{port}",
            given=error,
            next_step=f"stop what listens there, or choose another port: {option}",
        ) from None
    return listener


def take_no_more(listener: socket.socket) -> None:
    """Let nobody connect any more, while who is connected already is still accepted.

    The kernel resets what waits in the queue of a socket that is closed: requests would be lost
    that a client believes to have sent. So new ones are kept out first: their first packet is
    dropped, and when they send it again a second later nobody listens any more, which every
    client and every proxy knows as a connection that was refused. Where the kernel has no such
    filter nothing happens.
    """
    program = b"".join(struct.pack("=HBBI", *one) for one in _DROP_SYN)
    buffer = ctypes.create_string_buffer(program, len(program))
    option = struct.pack("@HP", len(_DROP_SYN), ctypes.addressof(buffer))
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, option)
