"""The state behind a control API: the same verbs, one request each."""

from mizzen.state.remote.connection import Connection, connect
from mizzen.state.remote.state import HttpState, open_remote

__all__ = ["Connection", "HttpState", "connect", "open_remote"]
