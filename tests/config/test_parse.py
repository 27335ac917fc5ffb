"""What a configuration says, and what somebody reads about the mistakes in it."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.config.file import DEFAULTS, Level, Settings, parse_settings
from plugin.platforms.echo import EchoSettings
from plugin.platforms.openai import OpenAISettings

from ..config_text import ALICE, GPT, read


@pytest.mark.parametrize("text", ["", "{}", "# nothing yet\n"])
def test_an_empty_configuration_is_the_defaults(text: str) -> None:
    assert read(text) == (DEFAULTS, ())


def test_everything_can_be_set() -> None:
    text = """
        permissions: {"*": none, example.org: user, "@alice:example.org": admin}
        names: {space: "Of {localpart}", chat: "No. {number} of {displayname}"}
        room_version: 10
        startup: {wait: 2.5}
        catch_up: {max_age: 48}
        streaming: {enabled: false, notify: final}
        platforms: {gpt: {type: openai, base_url: "http://127.0.0.1:8843/v1", model: small}}
        default_platform: gpt
        instance_key: home
    """

    assert read(text) == (
        Settings(
            permissions={"*": Level.NONE, "example.org": Level.USER, ALICE: Level.ADMIN},
            space_name="Of {localpart}",
            chat_name="No. {number} of {displayname}",
            room_version="10",
            startup_wait=2.5,
            catch_up_max_age=48,
            streaming_enabled=False,
            streaming_notify="final",
            platforms={"gpt": OpenAISettings("http://127.0.0.1:8843/v1", "small")},
            default_platform="gpt",
            instance_key="home",
        ),
        (),
    )


@pytest.mark.parametrize("text", ["room_version:\ninstance_key:\n", 'room_version: ""\n'])
def test_a_key_left_blank_is_empty(text: str) -> None:
    assert read(text) == (DEFAULTS, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a list", "the configuration: found a list, expected keys and values"),
        ("words", 'the configuration: found "words", expected keys and values'),
        ("premissions: {}", "premissions: there is no such key, "
         'did you mean "permissions"?'),
        ("names: {spaces: x}", 'names.spaces: there is no such key, did you mean "space"?'),
        ("startup: {zzz: 1}", "startup.zzz: there is no such key, known are wait"),
        ("1: 2", "1: there is no such key, known are catch_up, default_platform, "
         "instance_key, names, permissions, platforms, room_version, startup, streaming"),
        ("streaming: {enabled: 1}", "streaming.enabled: found the number 1, "
         "expected true or false"),
        ("streaming: {notify: never}", 'streaming.notify: found "never", '
         "expected one of first, final"),
        ("names: [x]", "names: found a list, expected a mapping (indented keys and values)"),
        ("startup: 10", "startup: found the number 10, "
         "expected a mapping (indented keys and values)"),
        ("startup: {wait: true}", "startup.wait: found true, expected a number"),
        ("startup: {wait: '10'}", 'startup.wait: found "10", expected a number'),
        ("startup: {wait: -1}", "startup.wait: found the number -1, "
         "expected a number from 0 to 1000000"),
        ("startup: {wait: .inf}", "startup.wait: found the number inf, "
         "expected a number from 0 to 1000000"),
        ("room_version: true", "room_version: found true, "
         'expected a room version such as "11", or nothing'),
        ("room_version: [11]", "room_version: found a list, "
         'expected a room version such as "11", or nothing'),
        ("instance_key: [5]", "instance_key: found a list, expected text, or nothing"),
        ("names: {space: ''}", "names.space: found nothing, expected text"),
        ("names: {space: '{number}'}", "names.space: there is no placeholder {number}, "
         "known are displayname, localpart, user_id"),
        ("names: {chat: '{nubmer}'}", "names.chat: there is no placeholder {nubmer}, "
         'did you mean "number"?'),
        ("names: {chat: '{}'}", "names.chat: there is no placeholder {}, "
         "known are displayname, localpart, number, user_id"),
        ("names: {chat: '{number.__class__}'}", "names.chat: there is no placeholder "
         "{number.__class__}, known are displayname, localpart, number, user_id"),
        ("names: {chat: '{number[0]}'}", "names.chat: there is no placeholder {number[0]}, "
         'did you mean "number"?'),
        ("names: {chat: '{number:99999}'}", "names.chat: {number} must stand alone, "
         "without a format"),
        ("names: {chat: '{number!r}'}", "names.chat: {number} must stand alone, "
         "without a format"),
        ("names: {space: '{displayname'}", 'names.space: found "{displayname" with '
         "braces that do not match, expected text with {displayname}, {localpart}, {user_id}"),
        ("permissions: all", 'permissions: found "all", '
         "expected a mapping (indented keys and values)"),
        ("permissions: {local: user, '@eve': user}", "permissions.@eve: this is nobody, expected "
         'a user id (@name:server), the name of a homeserver, local or "*"'),
        ("permissions: {local: user, 5: user}", "permissions.5: this is nobody, expected "
         'a user id (@name:server), the name of a homeserver, local or "*"'),
        ("permissions: {local: usr}", 'permissions.local: found "usr", which is no level, '
         'did you mean "user"?'),
        ("permissions: {local: true}", "permissions.local: found true, which is no level, "
         "known are admin, none, user"),
        ("default_platform: eco", 'default_platform: "eco" is not among platforms, '
         'did you mean "echo"?'),
        ("default_platform: [echo]", "default_platform: found a list, expected text"),
        ("platforms: echo", 'platforms: found "echo", '
         "expected a mapping (indented keys and values)"),
        ("platforms: {echo: {type: echo}, 5: {type: echo}}",
         "platforms.5: the name of a platform must be text"),
        ("platforms: {echo: {type: echo}, gpt: {type: opnai}}",
         'platforms.gpt.type: found "opnai", which is no type of platform, '
         'did you mean "openai"?'),
    ],
)  # fmt: skip
def test_a_mistake_is_one_clear_line_and_changes_nothing(text: str, problem: str) -> None:
    assert read(text) == (DEFAULTS, (problem,))


def test_without_any_platform_there_is_no_default_one() -> None:
    settings, problems = read("platforms: {}")

    assert settings.platforms == {}
    assert problems == ('default_platform: "echo" is not among platforms, there are none',)


def test_each_mistake_is_reported_and_the_rest_counts() -> None:
    settings, problems = read("startup: {wait: x}\nroom_version: '11'\nnames: {chat: 5}\n")

    assert settings.room_version == "11"
    assert [problem.partition(":")[0] for problem in problems] == ["names.chat", "startup.wait"]


@pytest.mark.parametrize("section", ["permissions", "platforms", "names", "startup", None])
def test_of_thousands_of_mistakes_some_are_listed_in_short_lines(section: str | None) -> None:
    junk = {f"{number} {'x' * number}": 7 for number in range(1000)}

    settings, problems = parse_settings(junk if section is None else {section: junk})

    assert settings.space_name == DEFAULTS.space_name
    assert 50 <= len(problems) <= 52
    assert problems[50] == "there are more mistakes, which are listed when these are mended"
    assert max(map(len, problems)) < 900


def test_a_mistake_that_lets_nobody_be_served_is_never_left_out() -> None:
    junk = dict.fromkeys(map(str, range(1000)))

    _, problems = parse_settings({**junk, "instance_key": []})

    assert [problem.fatal for problem in problems] == [False] * 51 + [True]


@pytest.mark.parametrize(
    "key",
    [0x10**5000, "x" * 60_000, ("a", "b"), None, 1.5],
    ids=["a large number", "a long text", "a list", "nothing", "a number"],
)
def test_a_key_of_any_kind_is_named_in_a_short_line(key: object) -> None:
    raws: list[object] = [{key: 1}, {"permissions": {key: 7}}, {"platforms": {key: {}}}]
    for raw in raws:
        _, problems = parse_settings(raw)

        assert problems
        assert max(map(len, problems)) < 250


def test_a_mistake_leaves_what_was_in_force() -> None:
    before, _ = read(
        "permissions: {'@alice:example.org': admin}\nstartup: {wait: 3}\n"
        "names: {space: A, chat: B}\ninstance_key: home\nroom_version: 9\n"
        "platforms: {two: {type: echo}}\ndefault_platform: two\n"
    )

    after, problems = read(
        "permissions: 1\nstartup: 1\nnames: 1\ninstance_key: []\nroom_version: []\n"
        "platforms: 1\ndefault_platform: 1\n",
        before,
    )

    assert after == before
    assert len(problems) == 7


def test_a_key_taken_out_has_its_default_again() -> None:
    before, _ = read("room_version: 9\nstartup: {wait: 3}\n")

    assert read("startup: {}", before) == (DEFAULTS, ())


def test_a_wrong_platform_leaves_the_others_usable() -> None:
    raw = {"platforms": {"gpt": {**GPT, "timeout": "x"}, "parrot": {"type": "echo"}}}

    settings, problems = parse_settings({**raw, "default_platform": "gpt"})

    assert settings.platforms == {"parrot": EchoSettings()}
    assert settings.default_platform == "gpt"
    assert problems == ('platforms.gpt.timeout: found "x", expected a number',)


def test_a_platform_that_went_wrong_stays_as_it_was() -> None:
    before, _ = parse_settings({"platforms": {"gpt": GPT}, "default_platform": "gpt"})

    after, _ = parse_settings(
        {"platforms": {"gpt": {**GPT, "timeout": "x"}}, "default_platform": "gpt"}, before
    )

    assert after == before


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)
NEARLY = st.fixed_dictionaries({}, optional=dict.fromkeys(
    ["permissions", "names", "room_version", "startup", "platforms", "default_platform"],
    JUNK | st.dictionaries(st.sampled_from(["local", "space", "chat", "wait", "gpt"]), JUNK),
))  # fmt: skip


@hypothesis.settings(
    max_examples=40, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
@given(JUNK | NEARLY)
def test_nothing_that_can_be_written_stops_the_plugin(raw: object) -> None:
    settings, _ = parse_settings(raw)

    assert settings.space_title(ALICE, "Alice")
    assert settings.chat_title(1, ALICE, "Alice")
