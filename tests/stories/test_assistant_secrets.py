"""Keys stay where they are: neither people nor the log see them, nor where they are kept."""

from __future__ import annotations

import logging

import pytest

from ..fakes.maubot import Bot
from ..fakes.stories import ask, settle_in
from ..fakes.users import User
from ..platforms.conversation import chunk, error, events, running

CONFIG = """
permissions: {{local: user, "@bob:test": admin}}
default_platform: gpt
platforms: {{gpt: {{type: openai, base_url: "{url}", model: small, api_key: "{key}"}}}}
"""
SECRET = "sk-proj-0123456789abcdef"


REASONS = {
    f"env:{SECRET}": "the environment variable that api_key names is not set, or empty",
    f"file:{SECRET}": "the file that api_key names cannot be read: No such file or directory",
    f"{SECRET} {SECRET}": "the key is more than one word of plain letters, digits and signs",
}


@pytest.mark.parametrize("key", REASONS, ids=["env", "file", "two words"])
async def test_a_key_pasted_in_the_wrong_place_is_shown_to_nobody(
    bot: Bot, alice: User, bob: User, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    reason = REASONS[key]
    caplog.set_level(logging.DEBUG)
    bot.text.text = CONFIG.format(url="http://127.0.0.1:1/v1", key=key)
    await settle_in(bot, alice, bob)

    read = await ask(bot, alice, alice.chat, "Hello?")
    status = await ask(bot, bob, bob.chat, "!admin status")

    assert read == (
        "I have no usable key for the assistant. Please tell whoever runs this bot.  \n"
        "`!retry` asks again, `!cancel` drops it."
    )
    assert f"Platform `gpt` gave no answer the last time: {reason}." in status
    assert reason in caplog.text
    assert SECRET not in read + status + caplog.text


async def test_a_key_pasted_where_the_model_belongs_is_shown_to_nobody(
    bot: Bot, alice: User, bob: User, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(error(404, {"error": {"code": "model_not_found"}})) as server:
        text = CONFIG.format(url=server.base_url, key="x")
        bot.text.text = text.replace("model: small", f"model: {SECRET}")
        await settle_in(bot, alice, bob)

        read = await ask(bot, alice, alice.chat, "Hello?")
        status = await ask(bot, bob, bob.chat, "!status")

    assert "does not know the model" in read
    assert SECRET not in read + status + caplog.text


@pytest.mark.parametrize(
    ("code", "logged"),
    [
        (SECRET, "[HTTP 401]"),
        (f"bad-key-{SECRET.upper()}", "[HTTP 401]"),
        (f"key_ending_in.{SECRET[-8:]}", "[HTTP 401]"),
        ("no such key", "[HTTP 401]"),
        ("x" * 61, "[HTTP 401]"),
        ({"key": SECRET}, "[HTTP 401]"),
        ("invalid_api_key", "[HTTP 401 invalid_api_key]"),
    ],
    ids=["the key", "the key in it", "its end", "prose", "long", "an object", "a code"],
)
async def test_what_a_server_says_is_logged_where_it_is_a_code_and_holds_no_key(
    bot: Bot, alice: User, caplog: pytest.LogCaptureFixture, code: object, logged: str
) -> None:
    refusal = error(401, {"error": {"code": code, "message": f"bad key {SECRET}"}})
    async with running(refusal) as server:
        bot.text.text = CONFIG.format(url=server.base_url, key=SECRET)
        await settle_in(bot, alice)

        await ask(bot, alice, alice.chat, "Hello?")

    assert logged in caplog.text
    assert SECRET[-8:] not in caplog.text.lower()


async def test_an_administrator_sees_whether_an_assistant_answers(bot: Bot, bob: User) -> None:
    async with running(error(401, {"error": {"code": "expired"}})) as server:
        bot.text.text = CONFIG.format(url=server.base_url, key=SECRET)
        await settle_in(bot, bob)

        await ask(bot, bob, bob.chat, "Hello?")
        failing = await ask(bot, bob, bob.chat, "!admin status")
        server.reply = events(chunk("Hi", "stop"))
        await ask(bot, bob, bob.chat, "Hello again?")
        well = await ask(bot, bob, bob.chat, "!admin status")

    assert "Platform `gpt` gave no answer the last time: HTTP 401 expired." in failing
    assert "gave no answer" not in well
