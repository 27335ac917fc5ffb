"""Keys of platforms: the text itself, or where it is to be found.

A key is read again for every request, so that rotating it needs no restart. It must never be
logged or shown, which is why it is kept out of every repr and every error.
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
            lack = f"the environment variable {place} is not set"
        elif kind == "file":
            key, lack = _read_file(place)
        else:
            key, lack = self.source, "it is empty"
        key = key.strip()
        if not key:
            raise _fail(lack)
        # Anything else cannot stand in an HTTP header, and most likely is not a key at all.
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise _fail("it is more than one word of plain letters, digits and signs")
        return key


def _read_file(place: str) -> tuple[str, str]:
    try:
        return Path(place).read_text(encoding="utf-8"), f"the file {place} is empty"
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        return "", f"the file {place} cannot be read ({reason})"


def _fail(lack: str) -> PlatformError:
    return PlatformError(
        f"{sentences.NO_KEY.format(lack=lack)} {sentences.OPERATOR}",
        can_retry=False,
        detail="no key",
    )
