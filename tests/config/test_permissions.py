"""Who may use the bot: the most specific entry decides."""

from __future__ import annotations

import pytest
from mautrix.types import UserID

from plugin.config.file import DEFAULTS, Level, parse_settings
from plugin.config.permissions import LEVELS, find_level, parse_permissions

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
        # Server names are compared without case, names in user ids with it.
        ("@alice:EXAMPLE.org", "home", Level.ADMIN),
        ("@eve:Example.Org", "home", Level.NONE),
        ("@Eve:example.org", "home", Level.ADMIN),
        ("@alice:HOME", "home", Level.USER),
        ("@alice:home", "Home", Level.USER),
        # What another homeserver calls itself says nothing.
        ("@mallory:local", "home", Level.NONE),
        ("@mallory:LOCAL", "home", Level.NONE),
        ("@alice:local", "local", Level.USER),
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


@pytest.mark.parametrize("level", ["none", "user"])
def test_an_entry_for_a_person_counts_however_their_server_is_written(level: str) -> None:
    raw = {"local": "user", "EXAMPLE.org": "admin", "@Ann/old~Name:EXAMPLE.org": level}
    permissions, problems = parse_permissions(raw, {})

    ann = UserID("@Ann/old~Name:example.org")
    assert find_level(permissions, ann, "home") is LEVELS[level]
    assert find_level(permissions, UserID(ann.lower()), "home") is Level.ADMIN
    assert problems == []


def test_of_two_entries_for_the_same_one_the_lower_counts_and_is_named() -> None:
    raw = {"example.org": "admin", "EXAMPLE.org": "none"}

    permissions, problems = parse_permissions(raw, {})

    assert permissions == {"example.org": Level.NONE}
    assert problems == ["permissions.EXAMPLE.org: example.org stands there already"]
