"""What a server said instead of an answer: recognised by its words, and fit for a log without.

Nothing that it wrote in prose goes any further than here: that may hold a part of the key, or of
somebody's message. What people read about a refusal is chosen in failures.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import attr

TOO_LONG = re.compile(r"context.?(length|window|size)|too.?long|too many tokens", re.I)
NO_QUOTA = re.compile(r"insufficient.?(quota|balance|credit|funds)", re.I)
TOO_MANY = re.compile(r"rate.?limit|too many requests", re.I)
MODEL = re.compile(r"model", re.I)
# LiteLLM says so with a 400.
NO_MODEL = re.compile(r"(invalid|unknown|no such) model", re.I)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")
# Characters in a row: so much of a secret is not logged.
_TELLING = 6


@attr.frozen
class Refusal:
    """What a server said instead of an answer.

    `words` are the server's own, and only for recognising; `codes` are its short names for
    the failure; `retry_after` is in seconds.
    """

    status: int
    words: str = attr.field(default="", repr=False)
    codes: Sequence[str] = attr.field(default=(), repr=False)
    retry_after: float | None = None

    def speaks_of(self, topic: re.Pattern[str]) -> bool:
        """Whether the server's code or words are about `topic`."""
        return any(topic.search(text) for text in (*self.codes, self.words))

    def describe(self, secrets: Iterable[str]) -> str:
        """The failure for a log: the status, and those of the server's names for it that look
        like names and repeat no part of a secret.

        Args:
            secrets: what must not be in there: the key, and what stands for it.
        """
        names = [code for code in self.codes if _NAME.fullmatch(code)]
        parts = {part for secret in secrets for part in _parts_of(secret)}
        safe = [name for name in names if not any(part in name.lower() for part in parts)]
        return " ".join([f"HTTP {self.status}", *safe])


def read_refusal(status: int, answer: object, headers: Mapping[str, str]) -> Refusal:
    """Make sense of an error body, in any of the forms that OpenAI-compatible servers use.

    `status` 200 means that the error came inside an answer that had begun well; the error itself
    then has to say what it is.
    """
    error = answer.get("error", answer) if isinstance(answer, Mapping) else answer
    entries = error if isinstance(error, Mapping) else {}
    names = [entries.get("code"), entries.get("type")]
    texts = (entries.get("message"), entries.get("detail"), error)
    words = next((text for text in texts if isinstance(text, str) and text), "")
    codes = [str(name)[:2000] for name in names if isinstance(name, (str, int))]
    refusal = Refusal(status, words[:2000], codes, _read_retry_after(headers))
    return refusal if status != 200 else attr.evolve(refusal, status=_guess_status(refusal, names))


def _guess_status(refusal: Refusal, names: list[object]) -> int:
    for name in names:
        if isinstance(name, int) and 400 <= name <= 599:
            return name
    if refusal.speaks_of(TOO_MANY) or refusal.speaks_of(NO_QUOTA):
        return 429
    return 400 if refusal.speaks_of(TOO_LONG) else 500


def _read_retry_after(headers: Mapping[str, str]) -> float | None:
    # Seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d*)?", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _parts_of(secret: str) -> list[str]:
    secret = secret.lower()
    last = max(len(secret) - _TELLING, 0)
    return [secret[at : at + _TELLING] for at in range(last + 1)] if secret else []
