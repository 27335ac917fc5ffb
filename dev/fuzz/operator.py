"""Fuzzed: the configuration, as the text that somebody writes and as the values in it.

It never raises, says what is wrong in one line for each mistake, and repeats nothing secret.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

from mautrix.types import UserID
from mautrix.util.config import RecursiveDict
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import ReusedAnchorWarning

from plugin.config.file import Config, read_settings
from plugin.config.parse import parse_settings
from plugin.config.permissions import Level, find_level
from plugin.config.settings import Settings

from ..environments import ROOT
from .target import Target, from_json, from_text, to_json

BASE_TEXT = (ROOT / "base-config.yaml").read_text(encoding="utf-8")
ALICE = UserID("@alice:example.org")
VALUES = {
    "default_platform": "gpt",
    "platforms": {
        "echo": {"type": "echo"},
        "gpt": {
            "type": "openai",
            "base_url": "https://api.openai.com/v1",
            "api_key": "env:KEY",
            "model": "small",
            "system_prompt": "Be kind.",
            "history_characters": 12_000,
            "timeout": 60,
            "total_timeout": 300.5,
        },
    },
    "permissions": {"local": "user", "*": "none", "@a:b.c": "admin", "[::1]:8448": "user"},
    "names": {"space": "{displayname}'s chats", "chat": "{number} {localpart} {user_id}"},
    "room_version": "11",
    "startup": {"wait": 10},
    "catch_up": {"max_age": 24},
    "instance_key": "one",
}
YAML_ALONE = (
    "x: &x {permissions: {'*': user}}\n<<: *x\n",
    "&all\nnames: *all\n",
    "a: &a [1, 2]\nb: &b [*a, *a]\nplatforms: {gpt: *b}\n",
    "permissions: !!omap [local: user]\nplatforms: !!set {echo}\n",
    "names:\n    chat: >\n        folded\n    space: |\n        kept\n",
    "room_version: 2001-01-01\nstartup: {wait: 0x1f}\ncatch_up: {max_age: 1_000}\n",
    "%YAML 1.1\n---\nstartup: {wait: 1:60}\n? [a, b]\n: !foo 3\n",
)
SEEDS = [*(one.encode() for one in (BASE_TEXT, *YAML_ALONE)), *to_json(VALUES)]


def _base() -> RecursiveDict[Any]:
    return RecursiveDict(YAML().load(BASE_TEXT), CommentedMap)


BASE = _base()
MAUBOTS = YAML()
MAUBOTS.indent(4)
MAUBOTS.width = 200


def _use(settings: Settings) -> None:
    for name in ("Alice", "{x}", "", None):
        assert len(settings.space_title(ALICE, name)) <= 250
        assert len(settings.chat_title(7, ALICE, name)) <= 250
    assert isinstance(find_level(settings.permissions, ALICE, "example.org"), Level)
    assert all(isinstance(name, str) for name in settings.platforms)
    assert settings.startup_wait >= 0
    assert settings.catch_up_max_age >= 0
    hash(settings.default_platform)


def read_values(value: Any) -> None:
    """The values of a configuration."""
    settings, problems = parse_settings(value)
    _use(settings)
    assert all(str(problem) for problem in problems)
    # Once more with what is in force already, as when it is saved while the plugin runs.
    again, _ = parse_settings(value, settings)
    assert problems or again == settings


def read_text(text: str) -> None:
    """The text of a configuration, as maubot hands it over and keeps it."""
    kept: list[str] = [text]

    def save(data: Any) -> None:
        buffer = io.StringIO()
        MAUBOTS.dump(data, buffer)
        kept.append(buffer.getvalue())

    def load() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)
            return YAML().load(kept[-1])

    config = Config(load, BASE.clone, save)
    settings, problems = read_settings(config)
    _use(settings)
    if not problems:
        config.update()
        again, problems = read_settings(config)
        assert not problems
        # Where maubot's YAML breaks a line of more than 200 characters, it loses blanks.
        assert "".join(str(again).split()) == "".join(str(settings).split())


TARGETS = (
    Target("settings", from_json(read_values), to_json(VALUES)),
    # The parser takes some 10 ms for a page; whoever may write here runs the bot.
    Target("configuration", from_text(read_text), SEEDS, slow=5.0),
)
