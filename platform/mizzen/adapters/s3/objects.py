"""`ObjectStore` on S3 and what speaks its protocol (`s3://bucket/prefix`).

The endpoint, the region and the credentials are boto3's own: AWS_ENDPOINT_URL, AWS_REGION,
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a file of credentials, or the pod's identity. They
are read again after a refusal, so that a rotated file is picked up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from mizzen.errors import MizzenError, NotFound, TemporaryError, UserError
from mizzen.masking import masked
from mizzen.ports.objects import ObjectStore, StoredObject

_REFUSED = {
    "403",
    "AccessDenied",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "XAdminUserNotFound",
}
_NO_CREDENTIALS = {
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "ProfileNotFound",
}
_ABSENT = {"404", "NoSuchKey"}
_SECONDS = 30


class S3Objects(ObjectStore):
    """Objects of a bucket, below a prefix. Thread-safe."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if not parts.netloc or parts.query or parts.fragment or "@" in parts.netloc:
            raise UserError("not an address on S3", given=url, allowed="s3://bucket/prefix")
        self._bucket = parts.netloc
        self._prefix = f"{parts.path.strip('/')}/".lstrip("/")
        self._made: Any = None
        self._making = Lock()

    def put(self, key: str, data: bytes) -> None:
        """See the port. S3 shows an object only once it is whole."""
        with self._translated(key):
            self._client().put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data)

    def get(self, key: str) -> bytes:
        """See the port."""
        with self._translated(key):
            answer = self._client().get_object(Bucket=self._bucket, Key=self._prefix + key)
            data: bytes = answer["Body"].read()
            return data

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        token: dict[str, str] = {}
        while True:
            with self._translated(prefix):
                page = self._client().list_objects_v2(
                    Bucket=self._bucket, Prefix=self._prefix + prefix, **token
                )
            for entry in page.get("Contents", ()):
                key = entry["Key"].removeprefix(self._prefix)
                yield StoredObject(key, entry["Size"], entry["ETag"].strip('"'))
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        """See the port. S3 itself says nothing of an absent object, others do."""
        with suppress(NotFound), self._translated(key):
            self._client().delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def _client(self) -> Any:
        with self._making:
            if self._made is None:
                self._made = _connect()
            return self._made

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            found = self._told(error, key)
            if found is None:
                raise
            if isinstance(found, UserError):
                self._made = None  # the next attempt reads the credentials again
            raise found from None

    def _told(self, error: Exception, key: str) -> MizzenError | None:
        kind, library = type(error).__name__, type(error).__module__.partition(".")[0]
        if library not in {"botocore", "boto3", "urllib3", "s3transfer"}:
            return None
        answer = getattr(error, "response", {})
        code = str(answer.get("Error", {}).get("Code", ""))
        where = f"s3://{self._bucket} at {_endpoint() or 'AWS'}"
        if code in _REFUSED or kind in _NO_CREDENTIALS:
            return UserError(
                "S3 refuses these credentials" if code else "there are no credentials for S3",
                given=f"{code or kind} for {where}, {_identity()}",
                next_step="fix AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (in a pod: their"
                " Secret), and what that identity may do with the bucket",
            )
        if code == "NoSuchBucket":
            return NotFound(f"there is no bucket {self._bucket}", given=where)
        if code in _ABSENT:
            return NotFound("no such object", given=f"{self._prefix}{key} in {where}")
        return TemporaryError(
            "S3 does not answer as it should",
            given=masked(f"{where}: {code or kind}: {error}")[:300],
            next_step="see that it is up and that AWS_ENDPOINT_URL leads to it, then try again",
        )


def _connect() -> Any:
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]

    endpoint = _endpoint()
    config = Config(
        connect_timeout=5,
        read_timeout=_SECONDS,
        retries={"mode": "standard", "max_attempts": 2},
        # names below an endpoint of one's own are rarely to be found in DNS
        s3={"addressing_style": "path"} if endpoint else {},
    )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    region = region or ("us-east-1" if endpoint else None)
    return boto3.session.Session().client("s3", region_name=region, config=config)


def _endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def _identity() -> str:
    """Which key was refused: the name of the identity is no secret, its middle is left out."""
    name = os.environ.get("AWS_ACCESS_KEY_ID")
    if not name:
        return "AWS_ACCESS_KEY_ID is not set"
    shown = name if len(name) <= 8 else f"{name[:4]}...{name[-2:]}"
    return f"AWS_ACCESS_KEY_ID={shown}"
