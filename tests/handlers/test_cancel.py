"""`!cancel` ends answers, and nothing else."""

from __future__ import annotations

from ..fakes.faults import Hold
from ..fakes.maubot import BOT, Bot
from ..fakes.users import User, heard


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
