"""The configuration as a text that people edit: what becomes of it when maubot loads it."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from plugin.config.file import DEFAULTS, Level
from plugin.config.parse import KEYS, SECTIONS

from ..config_text import BASE, GPT, Text, read


def test_the_defaults_in_code_are_those_of_the_file() -> None:
    assert read(BASE) == (DEFAULTS, ())


def test_the_file_shows_every_key() -> None:
    shown = YAML(typ="safe").load(BASE)

    assert set(shown) == set(KEYS)
    assert {name: tuple(shown[name]) for name in SECTIONS} == SECTIONS


def test_text_that_is_no_yaml_is_reported_with_its_line() -> None:
    settings, problems = read("names:\n    chat: 'never closed\n")

    assert settings == DEFAULTS
    assert problems == (
        "the configuration is not valid YAML, in or before line 3: it can't be read "
        "(a tab? indent with spaces; or a quote that is not closed)",
    )


def test_a_key_written_twice_is_reported() -> None:
    (problem,) = read("startup: {wait: 1}\nstartup: {wait: 2}\n")[1]

    assert problem.startswith(
        "the configuration is not valid YAML, in or before line 2: a key stands twice"
    )


@pytest.mark.parametrize(
    "text",
    ["startup: {wait: 0x_}", "names: {chat: 2001-99-99}", "permissions: " + "[" * 2_000],
    ids=["a number", "a date", "brackets"],
)
def test_text_at_which_the_parser_breaks_is_no_yaml_either(text: str) -> None:
    settings, (problem,) = read(text)

    assert settings == DEFAULTS
    assert problem == "the configuration is not valid YAML: it is malformed"


@pytest.mark.parametrize("key", ["permissions", "names", "platforms", "startup", "bogus"])
def test_what_stands_in_itself_is_a_mistake_like_any_other(key: str) -> None:
    settings, problems = read(f"&all\n{key}: *all\n")

    assert settings.space_name == DEFAULTS.space_name
    assert problems


def test_loading_and_updating_brings_in_what_is_missing_with_its_comments() -> None:
    text = Text("room_version: '10'\n")

    text.config.load_and_update()

    assert read(text.text)[0].room_version == "10"
    comments = [line for line in BASE.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in text.text.splitlines() if line.lstrip().startswith("#")] == comments


def test_what_somebody_took_out_of_permissions_and_platforms_stays_out() -> None:
    text = Text(f"permissions: {{'*': user}}\nplatforms: {{gpt: {GPT}}}\ndefault_platform: gpt\n")

    text.config.load_and_update()

    settings, problems = read(text.text)
    assert problems == ()
    assert settings.permissions == {"*": Level.USER}
    assert list(settings.platforms) == ["gpt"]


@pytest.mark.parametrize(
    "text",
    [
        "bogus.key: 1\nbogus: {a: 1}\n",
        "names: {chat: Mine, bogus: 1}\n",
        "permissions: [1]\nplatforms: words\nstartup: 10\nnames:\n",
    ],
)
@pytest.mark.parametrize("base", [BASE, "{}"])
def test_loading_and_updating_loses_nothing_that_somebody_wrote(text: str, base: str) -> None:
    before = read(text)
    kept = Text(text, base)

    kept.config.load_and_update()

    assert set(before[1]) <= set(read(kept.text)[1])


@pytest.mark.parametrize("written", ["- a list\n", "words\n"])
def test_a_text_that_is_no_mapping_is_left_as_it_is(written: str) -> None:
    text = Text(written)

    text.config.load_and_update()

    assert text.text == written


@pytest.mark.parametrize("base", [BASE, "{}"])
def test_a_second_update_changes_nothing(base: str) -> None:
    text = Text(
        "platforms:\n    # mine\n    gpt:\n        type: openai\n        # here\n"
        "        base_url: http://127.0.0.1/v1\n        model: small\n"
        "# who\npermissions:\n    '*': user\n    # the boss\n    '@a:b': admin\n"
        "default_platform: gpt\n",
        base,
    )
    text.config.load_and_update()
    first = text.text

    text.config.load_and_update()

    assert text.text == first
    assert read(first)[1] == ()
