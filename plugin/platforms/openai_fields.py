"""The fields of an OpenAI-compatible server's configuration that need more than a look at their
type.

Each raises ValueError with one sentence that names the full key at fault, and never repeats what
may be a secret.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ..fields import Fields
from .credentials import Key

# What becomes of what a model says to itself.
REASONING = ("hide", "fold")


def read_base_url(fields: Fields) -> str:
    """The address up to and without `/chat/completions`."""
    url = fields.text("base_url").strip().rstrip("/")
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or any(sign in url for sign in "?#@ "):
        raise fields.wrong_secret("base_url", "an address such as https://api.openai.com/v1")
    return url


def read_key(fields: Fields) -> Key | None:
    """Where the key comes from, if there is one."""
    value = fields.raw.get("api_key")
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise fields.wrong_secret("api_key", "text, env:NAME or file:PATH")
    return Key(value)


def read_reasoning(fields: Fields) -> bool:
    """Whether reasoning is shown, folded away."""
    value = fields.text("reasoning", "hide")
    if value not in REASONING:
        raise fields.wrong("reasoning", " or ".join(REASONING))
    return value == "fold"
