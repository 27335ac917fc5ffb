"""Who may use the bot: the most specific entry decides."""

from __future__ import annotations

import pytest
from mautrix.types import UserID

from plugin.config.file import DEFAULTS, Level, parse_settings
from plugin.config.permissions import find_level

from ..config_text import ALICE

PERMISSIONS = {
    "*": Level.NONE,
    "local": Level.USER,
    "example.org": Level.ADMIN,
    "@eve:example.org": Level.NONE,
}


@pytest.mark.parametrize(
    ("user_id", "own_server", "level"),
    [
        ("@eve:example.org", "example.org", Level.NONE),
        ("@alice:example.org", "example.org", Level.ADMIN),
        ("@alice:home", "home", Level.USER),
        ("@alice:home", "example.org", Level.NONE),
        ("@alice:home:8448", "home:8448", Level.USER),
    ],
)
def test_the_most_specific_permission_counts(user_id: str, own_server: str, level: Level) -> None:
    settings, problems = parse_settings(
        {"permissions": {who: level.name.lower() for who, level in PERMISSIONS.items()}}
    )

    assert find_level(settings.permissions, UserID(user_id), own_server) is level
    assert problems == ()


def test_whoever_is_not_mentioned_may_nothing() -> None:
    assert find_level(DEFAULTS.permissions, ALICE, "elsewhere") is Level.NONE


def test_a_slip_of_the_pen_lets_nobody_in() -> None:
    settings, _ = parse_settings({"permissions": {"local": "user", ALICE: "nonne"}})

    assert find_level(settings.permissions, ALICE, "example.org") is Level.NONE
