"""What the tests share: a homeserver, the plugin running as in maubot, and people.

The plugin hardly waits between tries here: how long it waits is tested where the waiting is
written, and everywhere else it would only cost time.

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

from plugin.matrix.throttle import RetryPolicy
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


@pytest.fixture(autouse=True)
def _no_time_to_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.matrix.throttle.FIRST_WAIT", 0.001)
    monkeypatch.setattr("plugin.reconciler.loop.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("plugin.reconciler.loop.DEBOUNCE", 0.0)
    monkeypatch.setattr("plugin.reconciler.observe.RECHECK_DELAY", 0.0)
    monkeypatch.setattr("plugin.delivery.answer.RETRY_DELAYS", (0.0, 0.0))
    monkeypatch.setattr("plugin.delivery.room_queues.GRACE", 0.05)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a homeserver that fails after a few tries, within milliseconds."""
    brief = RetryPolicy(in_flight=8, attempt=5, total=0.01)
    for kind in ("READ", "WRITE"):
        monkeypatch.setattr(f"plugin.matrix.api.{kind}", brief)


@pytest.fixture
def verifying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the verification of every chat follow a start at once."""
    monkeypatch.setattr("plugin.bot.VERIFY_AFTER", 0.0)


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
