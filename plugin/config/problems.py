"""What is wrong with a configuration, as sentences, and no more of them than anybody reads.

They stand apart because each part of a configuration adds its own. What the mistakes are is known
to whoever checks.
"""

from __future__ import annotations

from collections.abc import Iterable

# Whoever made more mistakes than this is not helped by a longer list of them.
MOST_PROBLEMS = 50
MORE_PROBLEMS = "there are more mistakes, which are listed when these are mended"


class ConfigProblem(str):
    """What is wrong with the configuration, as a sentence that names the key.

    Attributes:
        fatal: it leaves open who the bot is, or whom it may serve: then it serves nobody, for
            under another name it would find all Spaces foreign and make them anew.
    """

    fatal: bool

    def __new__(cls, sentence: str, fatal: bool = False) -> ConfigProblem:
        problem = super().__new__(cls, sentence)
        problem.fatal = fatal
        return problem


class Problems:
    """The problems of one configuration.

    Attributes:
        found: each of them; those beyond `MOST_PROBLEMS` are one, unless they are fatal.
    """

    def __init__(self) -> None:
        self.found: list[ConfigProblem] = []

    def add(self, problem: ConfigProblem) -> None:
        """Add one."""
        if len(self.found) < MOST_PROBLEMS or problem.fatal:
            self.found.append(problem)
        elif MORE_PROBLEMS not in self.found:
            self.found.append(ConfigProblem(MORE_PROBLEMS))

    def add_all(self, sentences: Iterable[str]) -> None:
        """Add several that are not fatal; those that are not listed are not asked for either."""
        for sentence in sentences:
            self.add(ConfigProblem(sentence))
            if MORE_PROBLEMS in self.found:
                return
