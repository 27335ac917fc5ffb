"""A configuration as somebody wrote it, kept the way maubot keeps it."""

from __future__ import annotations

import copy
import functools
import io
from pathlib import Path
from typing import Any

from mautrix.types import UserID
from mautrix.util.config import RecursiveDict
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from plugin.config.file import DEFAULTS, Config, Settings, read_settings

BASE = (Path(__file__).parent.parent / "base-config.yaml").read_text(encoding="utf-8")
ALICE = UserID("@alice:example.org")
GPT = {"type": "openai", "base_url": "http://127.0.0.1:8843/v1", "model": "small"}


class Text:
    """A configuration text as maubot keeps it in its database, beside the plugin's base."""

    def __init__(self, text: str, base: str = BASE) -> None:
        self.yaml = YAML()
        self.yaml.indent(4)
        self.yaml.width = 200
        self.text = text
        self.base = RecursiveDict(_parse(base), CommentedMap)
        self.config = Config(lambda: _parse(self.text), self.base.clone, self.save)

    def save(self, data: Any) -> None:
        buffer = io.StringIO()
        self.yaml.dump(data, buffer)
        self.text = buffer.getvalue()


def _parse(text: str) -> Any:
    """The values in a text, nobody else's to change."""
    return copy.deepcopy(_parse_once(text))


@functools.cache
def _parse_once(text: str) -> Any:
    # Most tests have the same few texts, and the parser is slow.
    return YAML().load(text)


def read(text: str, fallback: Settings = DEFAULTS) -> tuple[Settings, tuple[str, ...]]:
    return read_settings(Text(text).config, fallback)
