"""What a store on the network says when it refuses, as errors that tell what to fix.

DVC's file systems answer with OSErrors of Python and with the errors of their own libraries,
botocore's and aiohttp's, one as likely as the other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from mizzen.errors import MizzenError, NotFound, TemporaryError, UserError
from mizzen.masking import masked

_NETWORK = {"botocore", "aiobotocore", "aiohttp", "s3fs", "asyncio"}
_NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Errors of a store on the network as errors of ours; those of a folder pass.

    Raises:
        UserError: it refuses the credentials, or there are none, or its address is of no kind
            that DVC knows.
        NotFound: it has no such bucket.
        TemporaryError: it does not answer.
    """
    try:
        yield
    except MizzenError as error:
        # what was said about an OSError is said better by its cause
        cause = error.__cause__
        found = _told(cause, url) if isinstance(cause, Exception) else None
        if found is None:
            raise
        raise found from cause
    except Exception as error:
        found = _told(error, url)
        if found is None:
            raise
        raise found from error


def _told(error: Exception, url: str) -> MizzenError | None:
    if "://" not in url:
        return None
    kind, library = type(error).__name__, type(error).__module__.partition(".")[0]
    if kind == "ConfigError" and library == "dvc":
        return UserError(
            "the data store has an address that DVC does not know",
            given=masked(url),
            allowed="a folder, or s3://bucket/prefix",
            next_step="fix data_store.url in the profile",
        )
    if isinstance(error, PermissionError) or kind in _NO_CREDENTIALS:
        name = os.environ.get("AWS_ACCESS_KEY_ID")
        shown = "is not set" if not name else f"is {name[:4]}..."
        return UserError(
            "the data store refuses these credentials",
            given=masked(f"{url}: {error}; AWS_ACCESS_KEY_ID {shown}"),
            next_step="fix AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what that identity"
            " may do with the bucket",
        )
    if type(error.__cause__).__name__ == "NoSuchBucket":
        bucket = url.partition("://")[2].partition("/")[0]
        return NotFound(f"there is no bucket {bucket}", given=url, next_step="make it")
    if library in _NETWORK or isinstance(error, ConnectionError | TimeoutError):
        return TemporaryError(
            "the data store does not answer",
            given=masked(f"{url}: {error}")[:300],
            next_step="see that it is up and that AWS_ENDPOINT_URL leads to it; then resume the"
            " run: mizzen runs resume",
        )
    return None
