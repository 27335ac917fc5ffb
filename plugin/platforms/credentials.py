"""Keys of platforms: the text itself, or where it is to be found.

A key is read again for every request, so that rotating it needs no restart. It must never be
logged or shown, and neither must where it is to be found: a key is easily pasted there.
"""

from __future__ import annotations

import os
from pathlib import Path

import attr

from . import sentences
from .protocol import PlatformError


@attr.frozen
class Key:
    """A key as the configuration has it: `env:NAME`, `file:PATH`, or the key itself."""

    source: str = attr.field(repr=False)

    def read(self) -> str:
        """The key as it is now; raises PlatformError when there is none to be had."""
        kind, _, place = self.source.partition(":")
        if kind == "env":
            key = os.environ.get(place, "")
            lack = "the environment variable that api_key names is not set, or empty"
        elif kind == "file":
            key, lack = _read_file(place)
        else:
            key, lack = self.source, "api_key is blank"
        key = key.strip()
        if not key:
            raise _fail(lack)
        # Anything else cannot stand in an HTTP header, and most likely is not a key at all.
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise _fail("the key is more than one word of plain letters, digits and signs")
        return key


def _read_file(place: str) -> tuple[str, str]:
    try:
        return Path(place).read_text(encoding="utf-8"), "the file that api_key names is empty"
    except (OSError, ValueError) as error:
        # No text of the error's: it has the path.
        reason = os.strerror(error.errno or 0) if isinstance(error, OSError) else "it is no text"
        return "", f"the file that api_key names cannot be read: {reason}"


def _fail(lack: str) -> PlatformError:
    """People learn whom to tell; what exactly is wrong is for the log and administrators."""
    return PlatformError(f"{sentences.NO_KEY} {sentences.OPERATOR}", can_retry=False, detail=lack)
