"""What the tests share: a homeserver, the plugin running as in maubot, and people.

HYPOTHESIS_PROFILE chooses how many examples the property tests try: few on every change, many at
night. No profile has a deadline: a slow machine is no bug. The examples of "ci" are the same on
every run, so that a change is never blamed for examples that another one was not tried with.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from plugin.platforms import registry

from .fakes.fake_platform import FAKE_PLATFORM, FakePlatform, FakePlatformSettings
from .fakes.homeserver import Homeserver
from .fakes.maubot import Bot
from .fakes.users import User

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, suppress_health_check=QUIET
)
settings.register_profile(
    "nightly", max_examples=5000, deadline=None, print_blob=True, suppress_health_check=QUIET
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture
def impatient(bot: Bot) -> None:
    """Give up on a homeserver that fails after a few tries, within milliseconds."""
    bot.give_up_soon()


@pytest.fixture
def verifying(bot: Bot) -> None:
    """Let the verification of every chat follow a start at once."""
    bot.verify_at_once()


@pytest.fixture
async def server() -> AsyncIterator[Homeserver]:
    server = Homeserver()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def bot(server: Homeserver, tmp_path: Path) -> AsyncIterator[Bot]:
    """The bot, not yet started."""
    bot = Bot(server, tmp_path)
    yield bot
    await bot.close()


@pytest.fixture
def platform(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> FakePlatform:
    """A platform that answers as told; with it, new chats are on it."""
    platform = FakePlatform()
    settings = type("Settings", (FakePlatformSettings,), {"platform": platform})
    monkeypatch.setattr(registry, "TYPES", {**registry.TYPES, "fake": settings})
    bot.text.text = FAKE_PLATFORM
    return platform


@pytest.fixture
def alice(server: Homeserver) -> User:
    return User(server.world, "alice")


@pytest.fixture
def bob(server: Homeserver) -> User:
    return User(server.world, "bob")
