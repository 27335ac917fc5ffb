"""The configuration is changed in maubot's web UI while people use the bot."""

from __future__ import annotations

import logging

import pytest

from ..fakes.fake_platform import FAKE_PLATFORM, FakePlatform
from ..fakes.maubot import Bot
from ..fakes.stories import add_chat, ask, settle_in, write_while_busy
from ..fakes.users import BINDING, User

WRONG = {
    "unknown key": ("permisions: {local: user}\n", "permisions"),
    "unknown key below": ("startup: {weight: 3}\n", "startup.weight"),
    "wrong type": ("startup: {wait: soon}\n", "startup.wait"),
    "unknown level": ("permissions: {local: boss}\n", "permissions.local"),
    "unknown platform": ("default_platform: ehco\n", "default_platform"),
    "unknown type of platform": (
        "platforms: {echo: {type: echo}, a: {type: b}}\n",
        "platforms.a.type",
    ),
    "unknown placeholder": ("names: {chat: 'Chat {nubmer}'}\n", "names.chat"),
    "no YAML": ("names: {chat: 'never closed\n", "the configuration"),
    "no mapping": ("- one\n- two\n", "the configuration"),
    "a room version of another kind": ("room_version: [11]\n", "room_version"),
}


async def test_a_change_takes_effect_at_once_and_asks_the_homeserver_nothing(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    (control,) = await settle_in(bot, alice)
    mark = len(bot.server.calls)

    await bot.configure('names: {chat: "Talk {number}"}\n')
    await bot.settled()
    assert bot.server.calls[mark:] == []

    chat = await add_chat(bot, alice, control)
    assert chat.name == "Talk 2"
    assert chat.content(BINDING)["platform"] == "echo"


async def test_a_platform_in_use_goes_on_through_a_change(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    await settle_in(bot, alice)
    gate = await write_while_busy(bot, platform, alice)
    (message,) = alice.chat.messages(alice.id)

    await bot.configure(bot.text.text + "names: {chat: 'Talk {number}'}\n")
    gate.set()
    await bot.settled()

    assert alice.chat.messages()[-1]["content"]["chat.spacekeeper.answers"] == message["event_id"]


@pytest.mark.parametrize("kind", WRONG)
async def test_a_bad_configuration_leaves_the_old_one_in_force_and_names_the_key(
    bot: Bot, alice: User, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    bot.text.text = 'names: {chat: "Talk {number}"}\n'
    (control,) = await settle_in(bot, alice)
    mark = len(bot.server.calls)
    text, key = WRONG[kind]
    caplog.clear()

    await bot.configure(text)

    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.getMessage().startswith(f"The configuration is wrong: {key}:")
    assert "\n" not in record.getMessage()
    assert bot.server.calls[mark:] == []
    assert f"\n- {key}:" in await ask(bot, alice, control, "!status")
    assert (await add_chat(bot, alice, control)).name == "Talk 2"
    assert bot.text.text == text


FATAL = {"no YAML", "no mapping"}


@pytest.mark.parametrize("kind", sorted(FATAL))
async def test_an_instance_that_cannot_tell_whom_to_serve_serves_nobody_until_it_is_mended(
    bot: Bot, alice: User, kind: str
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    before = bot.text.text
    bot.text.text, _ = WRONG[kind]
    mark = len(bot.server.calls)

    await bot.restart()

    assert [call for call in bot.server.calls[mark:] if "/rooms/" in call.path] == []
    await bot.configure(before)
    await bot.settled()
    assert await ask(bot, alice, alice.chat, "Hello") == "Hello"


@pytest.mark.parametrize("kind", sorted(WRONG.keys() - FATAL))
async def test_an_instance_that_starts_with_a_bad_one_stays_enabled_and_answers(
    bot: Bot, alice: User, kind: str
) -> None:
    await settle_in(bot, alice)
    await bot.stop()
    text, key = WRONG[kind]
    bot.text.text = text
    if "permissions" in text:
        text = bot.text.text = f"permissions: {{local: boss, '{alice.id}': user}}\n"

    await bot.restart()

    assert f"\n- {key}:" in await ask(bot, alice, alice.chat, "!status")
    assert await ask(bot, alice, alice.chat, "Hello") == "Hello"
    assert bot.text.text == text


async def test_a_mistake_that_was_mended_is_forgotten(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    await bot.configure("startup: {wait: soon}\n")
    assert "problems" in await ask(bot, alice, control, "!status")

    await bot.configure("startup: {wait: 3}\n")

    assert "problems" not in await ask(bot, alice, control, "!status")


HALF_MENDED = "startup: {wait: soon}\n"


async def test_who_the_bot_is_is_what_the_mended_configuration_says(
    bot: Bot, platform: FakePlatform, alice: User
) -> None:
    bot.text.text = FAKE_PLATFORM + "instance_key: home\n"
    await settle_in(bot, alice)
    await bot.stop()
    bot.text.text = FAKE_PLATFORM + "instance_key: [home]\n"
    await bot.restart()

    await bot.configure(FAKE_PLATFORM + "instance_key: home\n" + HALF_MENDED)
    await bot.settled()

    assert await ask(bot, alice, alice.chat, "Hello") == "Answer to Hello"
    assert len(alice.spaces) == 1


async def test_whom_the_bot_serves_is_what_the_mended_configuration_says(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    for_alice = FAKE_PLATFORM.replace("{local: user}", "{'@alice:test': user}")
    bot.text.text = for_alice
    await settle_in(bot, alice)
    await bot.stop()
    bot.text.text = for_alice + "names: {chat: 'never closed\n"
    await bot.restart()

    await bot.configure(for_alice + HALF_MENDED)
    bob.invite_bot()
    await bot.deliver()

    assert bob.spaces == []
    assert await ask(bot, alice, alice.chat, "Hello") == "Answer to Hello"
