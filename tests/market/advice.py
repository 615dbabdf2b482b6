"""Messages are followed, not only read: the flags that one names, and what a command prints with them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from momentum_jax.cli.market_command import main


def flags_in(message: str) -> list[str]:
    """The flags of a message, as a shell would pass them on."""
    words = [word for word in shlex.split(message) if word.startswith("--")]
    return [re.sub(r"(?<![=])[.,:;)]+$", "", word) for word in words]


def inspected(capsys, arguments: Sequence[str]) -> tuple[int, str, str]:
    """Exit code, report and error of `inspect` (or of the command that the arguments begin with)."""
    named = arguments[0] == "inspect-vix"
    code = main(list(arguments) if named else ["inspect", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err
