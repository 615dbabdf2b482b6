"""The words of a command line before they are parsed: spelling of flag names, flag files, values that are missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from absl import flags

from momentum_jax.fields import ConfigError


def normalized(values: flags.FlagValues, arguments: Sequence[str]) -> list[str]:
    """Write flag names, not values, with underscores: `--learning-rate=3e-5` becomes `--learning_rate=3e-5`.

    Raises:
      ConfigError: a flag whose value is missing, or a flag of absl's own that would let others be ignored.
      flags.Error: a flag file that cannot be read.
    """
    words = iter(values.read_flags_from_files(list(arguments), force_gnu=True))
    result: list[str] = []
    for word in words:
        if word == "--":
            return [*result, word, *words]
        if not word.startswith("-"):
            result.append(word)
            continue
        name, equals, value = _parts(word)
        if name == "undefok":
            raise ConfigError("--undefok would ignore flags: leave it out")
        result.append(f"--{name}{equals}{value}" if _known(values, name) else word)
        if not equals and name in values and not values[name].boolean:
            result += _value(values, name, words)
    return result


def explained(values: flags.FlagValues, message: str) -> str:
    """absl's message about a value, in one line and in words that say what to write."""
    line = " ".join(message.split()).removeprefix("ERROR:: ")
    found = re.match(r"flag --(\w+)=(.*?): ", line)
    if not found or found[1] not in values:
        return line
    flag = values[found[1]]
    if flag.boolean:
        return f"{found[1]}={found[2]} is neither true nor false: write --{found[1]} or --no{found[1]}"
    kind = {"int": "a whole number, e.g. 100000", "float": "a number, e.g. 0.08"}.get(flag.flag_type())
    return f"{found[1]}={found[2]} is not {kind}" if kind else line


def _value(values: flags.FlagValues, name: str, words: Iterator[str]) -> list[str]:
    """The next word, which is the value of a flag written without `=`."""
    value = next(words, None)
    if value is None or (value.startswith("-") and _known(values, _parts(value)[0])):
        raise ConfigError(f"--{name} has no value: write --{name}=VALUE")
    return [value]


def _parts(word: str) -> tuple[str, str, str]:
    """A flag's name with underscores and without its dashes, the sign `=` if it is there, and the value."""
    name, equals, value = word.partition("=")
    return name.lstrip("-").replace("-", "_"), equals, value


def _known(values: flags.FlagValues, name: str) -> bool:
    return name in values or (name.startswith("no") and name[2:] in values and values[name[2:]].boolean)
