"""What takes several steps in Matrix and is cut off between them is completed, not repeated."""

from __future__ import annotations

from functools import partial

import pytest

from plugin.matrix.split import PIECE_BYTES

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Hold
from ..fakes.maubot import Bot
from ..fakes.stories import DATABASE, ask, come_back, settle_in
from ..fakes.users import User, heard, links, replies

AFTER = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
CUTS = {
    f"{'after' if after else 'before'} piece {number}": partial(
        Hold, "PUT .*/send/", times=None, skip=number, after=after
    )
    for number in range(3)
    for after in (False, True)
}


@DATABASE
@AFTER
@pytest.mark.parametrize("where", ["createRoom", "PUT .*m.space.child", "PUT .*/send/"])
async def test_new_that_was_cut_short_makes_one_room(
    bot: Bot, alice: User, where: str, after: bool, keep_database: bool
) -> None:
    (control,) = await settle_in(bot, alice)
    cut = bot.server.inject(Hold(where, times=None, after=after))
    command = alice.write(control, "!new Holiday")
    await bot.push()
    await cut.reached.wait()

    await bot.kill()
    bot.server.heal()
    await come_back(bot, keep_database)

    assert [chat.name for chat in alice.chats] == ["Chat 1", "Holiday"]
    assert len(links(alice.space)) == 2
    (reply,) = replies(control, command)
    assert "(`C2`) is ready" in reply


PARAGRAPHS = [str(number) * (PIECE_BYTES - 100) for number in range(3)]
ANSWER = [f"Answer to {PARAGRAPHS[0]}", *PARAGRAPHS[1:]]


async def cut_off(bot: Bot, alice: User, cut: str) -> None:
    """Kill the bot while it sends a long answer."""
    held = bot.server.inject(CUTS[cut]())
    alice.write(alice.chat, "\n\n".join(PARAGRAPHS))
    await bot.push()
    await held.reached.wait()
    await bot.kill()
    bot.server.heal()


@pytest.mark.parametrize("cut", CUTS)
async def test_a_long_answer_goes_on_where_it_was_cut_off(
    bot: Bot, platform: FakePlatform, alice: User, cut: str
) -> None:
    await settle_in(bot, alice)
    await cut_off(bot, alice, cut)

    await come_back(bot)

    assert heard(alice.chat) == ANSWER
    assert len(platform.asked) == 1


@pytest.mark.parametrize("cut", CUTS)
async def test_with_the_database_gone_a_long_answer_is_asked_for_again_into_the_same_messages(
    bot: Bot, platform: FakePlatform, alice: User, cut: str
) -> None:
    """The rest of it is known to nobody, and another answer need not go with its beginning."""
    await settle_in(bot, alice)
    await cut_off(bot, alice, cut)
    other = [f"Another {paragraph}" for paragraph in PARAGRAPHS[:2]]
    platform.answers["\n\n".join(PARAGRAPHS)] = "\n\n".join(other)

    await come_back(bot, keep_database=False)
    await bot.restart(keep_database=False)
    await bot.deliver()

    assert heard(alice.chat) == (ANSWER if cut == "after piece 2" else other)
    assert len(set(platform.keys)) == 1
    assert len(platform.keys) <= 2
    assert await ask(bot, alice, alice.chat, "Next") == "Answer to Next"
