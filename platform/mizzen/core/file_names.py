"""Names of files and folders that come from elsewhere."""

from __future__ import annotations


def is_plain_name(name: str) -> bool:
    """Whether a text names an entry of a folder, and neither the folder nor anything above."""
    try:
        length = len(name.encode("utf-8", "surrogateescape"))  # as `os.fsencode` does
    except UnicodeEncodeError:
        return False
    return 0 < length < 256 and name not in {".", ".."} and not {"/", "\0"} & set(name)
