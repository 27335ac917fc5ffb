"""`!cancel` ends answers, all that are due by then, and nothing else."""

from __future__ import annotations

import pytest

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Hold
from ..fakes.maubot import BOT, Bot
from ..fakes.stories import DATABASE, settle_in
from ..fakes.users import User, heard, replies

MESSAGES = "^GET rooms/[^/]*/messages"
NONE_OF_THEM = "Older messages here are still being read; none of them will be answered."


async def test_no_cancel_ends_the_work_on_an_invitation(bot: Bot, alice: User) -> None:
    await bot.start()
    await bot.settled()
    making = bot.server.inject(Hold("POST createRoom", after=True))
    control = alice.invite_bot()
    await bot.push()
    await making.reached.wait()
    # As maubot does where it was told to accept invitations.
    alice.world.join(BOT, control.room_id)
    slow = bot.server.inject(Hold("PUT .*/send/.*reply", times=None))
    for _ in range(3):
        alice.write(control, "!cancel")
        await bot.push()
    making.release()
    slow.release()
    await bot.settled()
    await bot.deliver()
    alice.accept_all()
    await bot.deliver()

    assert len(alice.spaces) == 1
    assert len(alice.chats) == 1
    assert [text for text in heard(control) if "Welcome" in text] != []


async def cancel_before_all_is_read(bot: Bot, alice: User, *written: str) -> None:
    """While older messages cannot be read, write further ones, give up, and write once more."""
    for text in written:
        alice.write(alice.chat, text)
    await bot.push()
    given_up = alice.write(alice.chat, "!cancel")
    await bot.push()
    await bot.server.until(lambda: replies(alice.chat, given_up) != [])
    assert replies(alice.chat, given_up) == [NONE_OF_THEM]
    alice.write(alice.chat, "Later")
    await bot.push()


@DATABASE
async def test_what_was_written_while_nobody_was_there_is_given_up_before_it_is_read(
    bot: Bot, platform: FakePlatform, alice: User, bob: User, keep_database: bool
) -> None:
    await settle_in(bot, alice, bob)
    await bot.stop()
    for number in range(3):
        alice.write(alice.chat, f"Earlier {number}")
    if not keep_database:
        bot.database.unlink()
    bot.server.hang_room(alice.chat.room_id, requests=MESSAGES)
    await bot.start()
    await cancel_before_all_is_read(bot, alice, "Now")
    bob.write(bob.chat, "And me?")
    await bot.push()
    await bot.server.until(lambda: heard(bob.chat) == ["Answer to And me?"])

    bot.server.mend_room(alice.chat.room_id)
    await bot.server.until(lambda: "Answer to Later" in heard(alice.chat))
    await bot.settled()
    assert heard(alice.chat) == [NONE_OF_THEM, "Answer to Later"]
    await bot.restart()
    assert heard(alice.chat) == [NONE_OF_THEM, "Answer to Later"]
    assert sorted(platform.texts) == ["And me?", "Later"]


async def test_what_is_edited_after_it_was_given_up_is_asked_as_it_is_then(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    alice.write(alice.chat, "Earlier")
    bot.server.hang_room(alice.chat.room_id, requests=MESSAGES)
    await bot.start()
    edited = alice.write(alice.chat, "Now")
    await bot.push()
    given_up = alice.write(alice.chat, "!cancel")
    await bot.push()
    await bot.server.until(lambda: replies(alice.chat, given_up) != [])
    alice.edit(edited, "Then")
    await bot.push()

    bot.server.mend_room(alice.chat.room_id)
    await bot.settled()

    assert platform.texts == ["Then"]
    assert len(replies(alice.chat, edited)) == 1


async def test_what_came_too_fast_to_be_delivered_is_given_up_before_it_is_read(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    bot.server.hang_room(alice.chat.room_id, requests=MESSAGES)
    for number in range(130):
        alice.write(alice.chat, f"Note {number}", msgtype="m.notice" if number % 10 else "m.text")
    await bot.push()
    await cancel_before_all_is_read(bot, alice, "Now")

    bot.server.mend_room(alice.chat.room_id)
    await bot.server.until(lambda: "Answer to Later" in heard(alice.chat))
    await bot.settled()
    assert heard(alice.chat) == [NONE_OF_THEM, "Answer to Later"]


@pytest.mark.parametrize("spoken", [True, False], ids=["after the reply", "before it"])
async def test_what_was_given_up_before_it_was_read_stays_so_after_a_kill(
    bot: Bot, platform: FakePlatform, alice: User, spoken: bool
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    alice.write(alice.chat, "Earlier")
    bot.server.hang_room(alice.chat.room_id, requests=MESSAGES)
    await bot.start()
    alice.write(alice.chat, "Now")
    await bot.push()
    speaking = Hold("PUT .*/send/", times=None, room_id=alice.chat.room_id)
    if not spoken:
        bot.server.inject(speaking)
    given_up = alice.write(alice.chat, "!cancel")
    await bot.push()
    await bot.server.until(
        lambda: bool(replies(alice.chat, given_up)) or speaking.reached.is_set()
    )

    await bot.kill()
    speaking.cut_off()
    bot.server.mend_room(alice.chat.room_id)
    await bot.start()
    await bot.settled()

    assert heard(alice.chat) == [NONE_OF_THEM]
    assert platform.texts == []
