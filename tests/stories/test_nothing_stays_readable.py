"""What people wrote does not stay in the database's files once it was answered."""

from __future__ import annotations

import attr
import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.maubot import Bot
from ..fakes.stories import ask, come_back, have_set_aside, settle_in, write_while_busy
from ..fakes.users import User

SECRET = "Swordfish"


@pytest.fixture
def tidy(bot: Bot) -> None:
    """Look after the files several times a second."""
    bot.timing = attr.evolve(bot.timing, erase=0.1)


def found_in_files(bot: Bot) -> int:
    """How often the secret stands in the files of the database."""
    files = bot.database.parent.glob(f"{bot.database.name}*")
    return sum(path.read_bytes().count(SECRET.encode()) for path in files)


@pytest.mark.usefixtures("tidy")
async def test_what_was_answered_is_erased(bot: Bot, platform: FakePlatform, alice: User) -> None:
    await settle_in(bot, alice)
    for number in range(5):
        await ask(bot, alice, alice.chat, f"{SECRET} {number} " + "and more " * 1_000)

    await bot.server.until(lambda: found_in_files(bot) == 0)


@pytest.mark.usefixtures("tidy")
async def test_what_was_given_up_after_a_kill_is_erased(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await have_set_aside(bot, platform, alice, f"{SECRET} and why?")
    platform.asked.clear()
    await write_while_busy(bot, platform, alice, f"{SECRET} and how?")
    await bot.kill()
    assert found_in_files(bot) > 0
    platform.gates.clear()
    await come_back(bot)

    await ask(bot, alice, alice.chat, "!cancel")

    await bot.server.until(lambda: found_in_files(bot) == 0)


async def test_the_files_are_not_for_everybody_on_the_machine(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)

    files = list(bot.database.parent.glob(f"{bot.database.name}*"))
    assert len(files) == 3
    assert [oct(path.stat().st_mode & 0o007) for path in files] == ["0o0"] * 3
