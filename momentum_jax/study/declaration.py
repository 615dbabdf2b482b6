"""What a study declares: its question, its runs in order, and the file that keeps it with them. Imports no JAX."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from momentum_jax import run_directory
from momentum_jax.config.experiment import Experiment
from momentum_jax.field_checks import convert_fields
from momentum_jax.fields import ConfigError, nearest

DECLARATION_NAME = "study.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """What is asked, by what it is answered, and the runs that answer it, most important first.

    Attributes:
      name: of its folder or file in experiments/.
      question: in one sentence.
      primary: the one metric that decides.
      beside: what is shown beside it and decides nothing.
      horizon: environment steps within which a trough counts.
      threshold: smallest depth that counts as a dip, points.
      parts: one run each, named `<study>.<part>`.
      confirmatory: names of the parts whose claims were fixed before; the others explore.
      by_request: names of parts that only run when they are asked for.
      added: names of parts thought of after results were seen. They explore, and may grow in number without the
        folder's declaration becoming another one.

    Raises:
      ValueError: a value of another type, or an added part is called confirmatory.
    """

    name: str
    question: str
    primary: str
    beside: str
    horizon: int
    threshold: float
    parts: tuple[Experiment, ...]
    confirmatory: tuple[str, ...]
    by_request: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        convert_fields(self)
        late = sorted(set(self.added) & set(self.confirmatory))
        if late:
            raise ValueError(f"part {late[0]} of {self.name} was added after results were seen, so it cannot confirm")

    def part(self, name: str) -> Experiment:
        """A part by its name, with or without the study's in front.

        Raises:
          ConfigError: there is no such part.
        """
        found = {part_name(part): part for part in self.parts}
        short = name.removeprefix(f"{self.name}.")
        if short not in found:
            raise ConfigError(
                f"study {self.name} has no part {short!r}: choose from {', '.join(found)}{nearest(short, found)}"
            )
        return found[short]


def part_name(part: Experiment) -> str:
    """A part's name within its study, which names its run directory."""
    return part.name.rpartition(".")[2]


def declare(study: Study, folder: Path) -> None:
    """Write what was declared into the study's folder, for the page.

    An earlier declaration stays if it is the same; parts that were added since are put into it.

    Raises:
      ConfigError: the folder holds another declaration.
    """
    parts = [part_name(part) for part in study.parts if part_name(part) not in study.added]
    declaration = json.loads(json.dumps(dataclasses.asdict(study) | {"parts": parts, "added": study.added}))
    path = folder / DECLARATION_NAME
    if path.exists():
        # A field that did not exist yet had its default's meaning.
        defaults = {f.name: f.default for f in dataclasses.fields(study) if f.default is not dataclasses.MISSING}
        earlier = json.loads(json.dumps(defaults)) | json.loads(path.read_text(encoding="utf-8"))
        kept = set(earlier["added"]) <= set(study.added)
        if not kept or earlier | {"added": declaration["added"]} != declaration:
            raise ConfigError(f"{path} declares another study or an earlier form of it: use another --run_dir")
    run_directory.write_atomic(path, (json.dumps(declaration, indent=2) + "\n").encode())
