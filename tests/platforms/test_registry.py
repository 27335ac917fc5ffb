"""Entries under `platforms`: what works, and what somebody reads about what does not."""

from __future__ import annotations

import pytest

from plugin.platforms import registry
from plugin.platforms.credentials import Key
from plugin.platforms.echo import EchoSettings
from plugin.platforms.openai import OpenAISettings

GPT = {"type": "openai", "base_url": "http://127.0.0.1:8843/v1", "model": "small"}


def test_an_echo_has_nothing_to_set() -> None:
    assert registry.parse({"type": "echo"}, "platforms.echo") == EchoSettings()


def test_an_openai_server_needs_an_address_and_a_model() -> None:
    settings = registry.parse(GPT, "platforms.gpt")

    assert settings == OpenAISettings(
        base_url="http://127.0.0.1:8843/v1",
        model="small",
        api_key=None,
        system_prompt="",
        history_characters=100_000,
        timeout=120,
        total_timeout=600,
    )


def test_all_of_an_openai_server_can_be_set() -> None:
    more = {
        "base_url": "https://api.example.org/v1/",
        "api_key": "env:KEY",
        "system_prompt": "Be kind.",
        "history_characters": 10,
        "timeout": 1.5,
        "total_timeout": 60,
    }

    assert registry.parse({**GPT, **more}, "platforms.gpt") == OpenAISettings(
        "https://api.example.org/v1", "small", Key("env:KEY"), "Be kind.", 10, 1.5, 60
    )


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (None, "platforms.gpt: found nothing, expected a mapping with a type"),
        ({}, "platforms.gpt.type: missing, known are echo, openai"),
        (
            {"type": "opnai"},
            'platforms.gpt.type: found "opnai", which is no type of platform, '
            'did you mean "openai"?',
        ),
        (
            {"type": ["echo"]},
            'platforms.gpt.type: found a list, which is no type of platform, did you mean "echo"?',
        ),
        (
            {"type": "echo", "model": "x"},
            "platforms.gpt.model: there is no such key, known are type",
        ),
        (
            {**GPT, "modle": "x"},
            'platforms.gpt.modle: there is no such key, did you mean "model"?',
        ),
        ({"type": "openai", "model": "x"}, "platforms.gpt.base_url: missing, expected text"),
        ({**GPT, "model": 4}, "platforms.gpt.model: found the number 4, expected text"),
        (
            {**GPT, "system_prompt": ["x"]},
            "platforms.gpt.system_prompt: found a list, expected text, or nothing",
        ),
        ({**GPT, "timeout": True}, "platforms.gpt.timeout: found true, expected a number"),
        (
            {**GPT, "timeout": 0},
            "platforms.gpt.timeout: found the number 0, expected a number from 1 to 1000000",
        ),
        (
            {**GPT, "timeout": float("nan")},
            "platforms.gpt.timeout: found the number nan, expected a number from 1 to 1000000",
        ),
    ],
)
def test_a_wrong_entry_is_reported_with_its_full_key(raw: object, problem: str) -> None:
    with pytest.raises(ValueError, match=r"^platforms\.gpt") as caught:
        registry.parse(raw, "platforms.gpt")

    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", 12345),
        ("base_url", "api.example.org/v1"),
        ("base_url", "https://12345@api.example.org/v1"),
        ("base_url", "https://api.example.org/v1?key=12345"),
        ("base_url", "https://api.example.org:12345678/v1"),
        ("base_url", "https://[12345/v1"),
    ],
)
def test_what_could_hold_a_secret_is_not_repeated(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"^platforms\.gpt\.{name}: ") as caught:
        registry.parse({**GPT, name: value}, "platforms.gpt")

    assert "12345" not in str(caught.value)
