"""The configuration is changed in maubot's web UI while people use the bot."""

from __future__ import annotations

import logging

import pytest

from plugin.lifecycle.startup import Startup

from ..fakes.fake_platform import FAKE_PLATFORM, FakePlatform
from ..fakes.maubot import Bot
from ..fakes.stories import add_chat, ask, settle_in, write_while_busy
from ..fakes.users import BINDING, User, replies

SECRET = "sk-live-4f3c2b1a"
ADMIN = "permissions: {local: admin}\n"
FATAL = {"no YAML", "no mapping"}
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
    "no YAML": (
        "names: {chat: 'never closed\n",
        "the configuration is not valid YAML, in or before line 2",
    ),
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
async def test_a_mistake_in_what_is_saved_is_named_and_costs_itself_alone(
    bot: Bot, alice: User, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bot.text.text = ADMIN + 'names: {chat: "Talk {number}"}\n'
    (control,) = await settle_in(bot, alice)
    mark = len(bot.server.calls)
    text, key = WRONG[kind]
    if kind not in FATAL and "permis" not in text:
        text += ADMIN
    caplog.clear()

    await bot.configure(text)

    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.getMessage().startswith(f"The configuration is wrong: {key}:")
    assert "\n" not in record.getMessage()
    assert caplog.messages[-1] == (
        "Configuration in force, but for 1 mistake: new chats use echo (echo)"
    )
    assert bot.server.calls[mark:] == []
    if "permissions" not in text or kind in FATAL:
        assert f"\n- {key}:" in await ask(bot, alice, control, "!status")
    assert bot.text.text == text


@pytest.mark.parametrize("when", ["saved", "started with"])
async def test_what_is_right_beside_a_mistake_is_in_force(
    bot: Bot, alice: User, when: str
) -> None:
    (control,) = await settle_in(bot, alice)
    text = 'names: {chat: "Talk {number}"}\nstartup: {wait: soon}\n'
    if when == "saved":
        await bot.configure(text)
    else:
        bot.text.text = text
        await bot.restart()

    assert (await add_chat(bot, alice, control)).name == "Talk 2"


async def test_a_wrong_value_keeps_the_last_good_one(bot: Bot, alice: User) -> None:
    bot.text.text = 'names: {chat: "Talk {number}"}\n'
    (control,) = await settle_in(bot, alice)

    await bot.configure("names: {chat: 'Talk {nubmer}'}\n")
    await bot.configure("names: {chat: [Talk]}\n")

    assert (await add_chat(bot, alice, control)).name == "Talk 2"


async def test_a_misspelt_key_lets_nobody_in_whom_the_right_one_kept_out(
    bot: Bot, alice: User, bob: User
) -> None:
    bot.text.text = f"permissions: {{'{alice.id}': user}}\n"
    await settle_in(bot, alice)

    await bot.configure(f"permision: {{'{alice.id}': user}}\n")
    bob.invite_bot()
    await bot.deliver()

    assert bob.spaces == []
    assert await ask(bot, alice, alice.chat, "Hello") == "Hello"


async def test_a_start_and_a_save_say_what_is_in_force(
    bot: Bot, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await bot.start()
    await bot.settled()
    at_start = [text for text in caplog.messages if text.startswith("Configuration")]
    caplog.clear()

    await bot.configure(
        "platforms: {gpt: {type: openai, base_url: 'http://127.0.0.1:1/v1', model: lab-model,"
        f" api_key: {SECRET}}}}}\ndefault_platform: gpt\n"
    )

    assert at_start == ["Configuration in force: new chats use echo (echo)"]
    assert caplog.messages == ["Configuration in force: new chats use gpt (openai, lab-model)"]


@pytest.mark.parametrize(
    "text",
    [
        f"default_platform: {SECRET}\n",
        f"startup: {{wait: {SECRET}}}\n",
        f"room_version: '{SECRET}!'\n",
        f"platforms: {{gpt: {{type: {SECRET}}}}}\n",
        f"platforms: {{gpt: {{type: openai, base_url: {SECRET}, model: x}}}}\n",
        f"permissions: {{local: {SECRET}}}\n",
        f"platforms: {SECRET}\n",
        f"{SECRET}\n",
        f"{SECRET}: {{}}\n",
        f"default_platform: gpt\nplatforms: {{{SECRET}: {{type: echo}}}}\n",
        f"default_platform: sk-proj-x\nplatforms: {{{SECRET}: {{type: echo}}}}\n",
        f"platforms: {{gpt: {{type: openai, base_url: 'http://x', model: x, {SECRET}: }}}}\n",
        f"names: {{space: '{{{SECRET}}}'}}\n",
        f"names: {{space: '{{{SECRET}!r}}'}}\n",
        f"names: {{chat: '{{ {SECRET}'}}\n",
        f"permissions: {{{SECRET}: usr}}\n",
        f"permissions: {{'{SECRET} ': user}}\n",
        f"permissions: {{{SECRET}: user, {SECRET.upper()}: admin}}\n",
    ],
)
async def test_no_mistake_repeats_what_may_be_a_secret(
    bot: Bot, alice: User, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    bot.text.text = ADMIN
    await settle_in(bot, alice)

    await bot.configure(text)

    problems = bot.plugin.active.active.problems
    assert problems
    assert SECRET not in (caplog.text + "".join(problems)).lower()


@pytest.mark.parametrize("name", ["run", "serve"])
async def test_a_bug_that_ends_the_start_or_the_looks_is_said_to_be_what_it_is(
    bot: Bot,
    alice: User,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await settle_in(bot, alice)
    await bot.stop()

    async def stumble(*args: object) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr(Startup, name, stumble)
    bot.plugin.timing = bot.timing
    await bot.start()
    await bot.settled()
    message = alice.write(alice.chat, "Hello")
    await bot.deliver()

    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert ("nobody is served" in said) == (name == "run")
    assert replies(alice.chat, message) == ([] if name == "run" else ["Hello"])


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
        text = f"permissions: {{local: boss, '{alice.id}': admin}}\n"
    elif "permis" not in text:
        text += ADMIN
    bot.text.text = text

    await bot.restart()

    if "permisions" not in text:
        assert f"\n- {key}:" in await ask(bot, alice, alice.chat, "!status")
    assert await ask(bot, alice, alice.chat, "Hello") == "Hello"
    assert bot.text.text == text


async def test_a_mistake_that_was_mended_is_forgotten(bot: Bot, alice: User) -> None:
    (control,) = await settle_in(bot, alice)
    await bot.configure(ADMIN + "startup: {wait: soon}\n")
    assert "mistakes" in await ask(bot, alice, control, "!status")

    await bot.configure(ADMIN + "startup: {wait: 3}\n")

    assert "mistakes" not in await ask(bot, alice, control, "!status")


async def test_mistakes_in_the_configuration_are_shown_to_administrators_alone(
    bot: Bot, alice: User, bob: User
) -> None:
    permissions = f"permissions: {{local: user, '{alice.id}': admin}}\n"
    bot.text.text = permissions
    mine, others = await settle_in(bot, alice, bob)
    await bot.configure(permissions + "startup: {wait: soon}\n")

    assert "startup.wait" in await ask(bot, alice, mine, "!status")
    assert await ask(bot, bob, others, "!status") == (
        "You have 1 chat (none archived). Everything is working."
    )


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
