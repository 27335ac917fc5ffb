"""What somebody reads in the chat when the platform refuses: what happened, and what to do."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import aiohttp
import pytest

from plugin.platforms.openai import OpenAISettings
from plugin.platforms.protocol import PlatformError

from .conversation import Reply, Server, answer, ask, error, say

KEY = "does not accept my key"
QUOTA = "quota is used up"
TOO_MANY = "too many messages at once. It may work again"
TOO_LONG = "too long for the assistant. Please send a shorter message"
MODEL = "does not know the model “small”"
ADDRESS = "no assistant at the address I was given"


async def fail(server: Server, http: aiohttp.ClientSession, reply: Reply) -> PlatformError:
    server.reply = reply
    with pytest.raises(PlatformError) as caught:
        await ask(OpenAISettings(server.base_url, "small").build(http), say("Hi"))
    return caught.value


@pytest.mark.parametrize(
    ("reply", "sentence", "can_retry"),
    [
        (error(401, {"error": {"message": "Incorrect API key: sk-1***"}}), KEY, False),
        (error(403, {"error": "forbidden"}), KEY, False),
        (error(402, {"error": {"code": 402}}), QUOTA, False),
        (error(429, {"error": {"type": "insufficient_quota"}}), QUOTA, False),
        (error(429, {"error": {"code": "rate_limit_exceeded"}}), TOO_MANY, True),
        (answer("slow down", "text/plain", 429), TOO_MANY, True),
        (error(400, {"error": {"code": "context_length_exceeded"}}), TOO_LONG, False),
        (error(400, {"message": "This model's maximum context length is 9"}), TOO_LONG, False),
        (answer("no", "text/html", 413), TOO_LONG, False),
        (error(404, {"error": {"code": "model_not_found"}}), MODEL, False),
        (error(404, {"error": "model 'small' not found"}), MODEL, False),
        (error(404, {"detail": "Not Found"}), ADDRESS, False),
        (answer("<html>model</html>", "text/html", 404), ADDRESS, False),
        (answer("", "text/html", 302), "has moved to another address", False),
        (answer("<html>Bad gateway</html>", "text/html", 502), "error 502", True),
        (error(400, {"error": {"message": "Invalid model name passed"}}), MODEL, False),
        (error(408, None), "error 408", True),
        (error(409, {"error": {"message": "Being worked at"}}), "error 409", True),
        (error(400, {"error": {"message": "bad temperature"}}), "error 400", False),
    ],
)
async def test_every_refusal_has_its_own_sentence(
    server: Server, http: aiohttp.ClientSession, *, reply: Reply, sentence: str, can_retry: bool
) -> None:
    failure = await fail(server, http, reply)

    assert sentence in failure.sentence
    assert failure.can_retry is can_retry


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("0", "in a second."),
        ("20", "in 20 seconds."),
        ("0.5", "in a second."),
        ("119.2", "in 120 seconds."),
        ("121", "in 3 minutes."),
        ("7300", "in 3 hours."),
        ("soon", "in a few minutes."),
        ("-1", "in a few minutes."),
        ("Sat, 01 Jan 2000 00:00:00 GMT", "in a second."),
        ("Sat, 01 Jan 2000 00:00:00", "in a few minutes."),
    ],
)
async def test_whoever_is_sent_away_learns_for_how_long(
    server: Server, http: aiohttp.ClientSession, value: str, wait: str
) -> None:
    failure = await fail(server, http, error(429, {}, Retry_After=value))

    assert failure.sentence.endswith(wait)


async def test_the_wait_may_be_given_as_a_date(
    server: Server, http: aiohttp.ClientSession
) -> None:
    date = format_datetime(datetime.now(timezone.utc) + timedelta(hours=9.5))

    failure = await fail(server, http, error(503, {}, Retry_After=date))

    assert failure.sentence.endswith("in 10 hours.")


async def test_nothing_that_the_server_wrote_is_shown_or_logged(
    server: Server, http: aiohttp.ClientSession
) -> None:
    body = {"error": {"message": "bad key sk-12345", "code": "bad key", "type": "auth"}}

    failure = await fail(server, http, error(401, body))

    assert str(failure).endswith("[HTTP 401 auth]")
