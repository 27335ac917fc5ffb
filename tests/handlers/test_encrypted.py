"""Encrypted rooms, where maubot was not given the means to read them: nobody meets silence."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from maubot.matrix import MaubotMatrixClient
from mautrix.types import Event

from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Room
from ..fakes.stories import ask, come_back, open_group, settle_in
from ..fakes.users import ALGORITHM, User, heard

WHEN_ENCRYPTED = ["live", "while down"]


def invite_bot_encrypted(person: User) -> Room:
    """Open a direct chat as clients do that encrypt by default."""
    encryption = {"type": "m.room.encryption", "content": {"algorithm": ALGORITHM}}
    body = {"invite": [BOT], "is_direct": True, "initial_state": [encryption]}
    return person.world.create(person.id, body)


async def write_encrypted(bot: Bot, person: User, room: Room) -> None:
    person.write_encrypted(room)
    await bot.deliver()


async def test_in_a_chat_it_is_said_once(bot: Bot, alice: User) -> None:
    await settle_in(bot, alice)

    for _ in range(2):
        await write_encrypted(bot, alice, alice.chat)

    (said,) = heard(alice.chat)
    assert "encrypted" in said


async def test_in_the_control_room_it_is_said_once_too(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)

    for _ in range(2):
        await write_encrypted(bot, alice, control)

    _, said = heard(control)
    assert "Commands work in every chat of yours" in said


@pytest.mark.parametrize("when", WHEN_ENCRYPTED)
async def test_an_encrypted_direct_chat_is_welcomed_as_what_it_is(
    bot: Bot, alice: User, when: str
) -> None:
    await bot.start()
    await bot.deliver()
    if when == "while down":
        await bot.stop()
    control = invite_bot_encrypted(alice)
    if when == "while down":
        await bot.start()
    await bot.deliver()

    (welcome,) = heard(control)
    assert "I can't read" in welcome
    assert f"[Chat 1](https://matrix.to/#/{alice.chat.room_id}" in welcome
    alice.accept_all()
    await write_encrypted(bot, alice, control)
    assert heard(control) == [welcome]
    assert await ask(bot, alice, alice.chat, "!new") in heard(alice.chats[0])


async def test_the_welcome_waits_until_it_is_known_whether_the_chat_is_encrypted(
    bot: Bot, alice: User, impatient: None
) -> None:
    await bot.start()
    await bot.deliver()
    unknown = bot.server.inject(Answer("GET .*/state/m.room.encryption/", times=None))
    control = invite_bot_encrypted(alice)
    await bot.push()
    await unknown.reached.wait()
    assert heard(control) == []

    bot.server.lift(unknown)
    await bot.settled()

    (welcome,) = heard(control)
    assert "I can't read" in welcome


async def test_where_maubot_can_decrypt_an_encrypted_chat_is_welcomed_like_any_other(
    bot: Bot, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bot.start()
    await bot.deliver()
    monkeypatch.setattr(type(bot.plugin.services.matrix.sender), "can_decrypt", True)

    control = invite_bot_encrypted(alice)
    await bot.deliver()

    (welcome,) = heard(control)
    assert "I can't read" not in welcome


async def test_in_a_group_nothing_is_said(bot: Bot, alice: User, bob: User) -> None:
    await settle_in(bot, alice, bob)
    group = await open_group(bot, alice, bob)
    before = heard(group)

    await write_encrypted(bot, alice, group)

    assert heard(group) == before
    assert group.membership(BOT) == "join"


async def test_a_guest_in_a_chat_is_told_nothing(bot: Bot, alice: User, bob: User) -> None:
    await settle_in(bot, alice, bob)
    alice.let_in(bob, alice.chat)

    await write_encrypted(bot, bob, alice.chat)

    assert heard(alice.chat) == []


class Broken:
    """Encryption that chokes on every message, as maubot's does on some that make no sense."""

    async def decrypt_megolm_event(self, _: Any) -> Event:
        raise TypeError("list indices must be integers or slices, not str")

    def __getattr__(self, name: str) -> Any:
        async def ignore(*_: object, **__: object) -> None:
            return

        return ignore


class Slow(Broken):
    """Encryption that takes its time."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()

    async def decrypt_megolm_event(self, sealed: Any) -> Event:
        await self.ready.wait()
        content = {"msgtype": "m.text", "body": "In secret"}
        clear = {**sealed.serialize(), "type": "m.room.message", "content": content}
        decrypted: Event = Event.deserialize(clear)
        return decrypted


async def test_a_message_that_is_still_being_decrypted_is_not_lost_in_a_restart(
    bot: Bot, platform: FakePlatform, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settle_in(bot, alice)
    crypto = Slow()
    monkeypatch.setattr(MaubotMatrixClient, "crypto", crypto)
    alice.write_encrypted(alice.chat)
    await bot.push()
    await bot.push()
    await bot.stop()
    crypto.ready.set()

    await come_back(bot)

    assert heard(alice.chat) == ["Answer to In secret"]


async def test_an_encrypted_message_that_makes_no_sense_holds_up_nobody(
    bot: Bot, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settle_in(bot, alice, bob)
    await bot.stop()
    monkeypatch.setattr(MaubotMatrixClient, "crypto", Broken())
    bob.write_encrypted(bob.chat)

    await bot.restart()

    assert await ask(bot, alice, alice.chat, "Hello") == "Hello"


@pytest.mark.parametrize("where", ["a chat", "a group"])
async def test_what_a_stranger_writes_in_secret_holds_up_no_sync_token(
    bot: Bot, alice: User, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    await settle_in(bot, alice)
    mallory = User(bot.server.world, "mallory", "elsewhere")
    if where == "a chat":
        alice.let_in(mallory, room := alice.chat)
    else:
        room = await open_group(bot, alice, mallory)
    await bot.restart()
    monkeypatch.setattr(MaubotMatrixClient, "crypto", Slow())
    mallory.write_encrypted(room)
    written = len(bot.server.world.log)
    await bot.push()
    await ask(bot, alice, alice.chat, "!help")
    await bot.push()

    await bot.stop()

    ((token,),) = bot.query("SELECT token FROM instance")
    assert int(token[1:]) >= written


async def test_who_has_chats_already_is_not_sent_invitations_that_were_accepted_long_ago(
    bot: Bot, alice: User
) -> None:
    (first,) = await settle_in(bot, alice)
    await ask(bot, alice, first, "!new")

    control = invite_bot_encrypted(alice)
    await bot.deliver()

    (welcome,) = heard(control)
    assert "I can't read" in welcome
    assert "two invitations" not in welcome
    assert f"[Chat 1](https://matrix.to/#/{alice.chats[0].room_id}" in welcome
