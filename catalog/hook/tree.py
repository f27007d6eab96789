"""Step 3: render the template, and know the id that Git gives to the result."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from catalog.hook.answers import wrong
from catalog.hook.artifact import File, Files
from catalog.hook.errors import AnswerError, RenderError
from catalog.hook.request import quoted

Listing = Mapping[str, tuple[str, str]]  # path: (Git's mode, blob id)

NORMAL, EXECUTABLE, FOLDER = "100644", "100755", "40000"
ONE_AT_A_TIME = threading.Lock()  # Cookiecutter changes the process's working directory


@dataclass(frozen=True)
class Tree:
    """The rendered repository."""

    files: Files

    @cached_property
    def listing(self) -> Listing:
        """Return the mode and blob id of each path."""
        return {path: (mode_of(file), object_id("blob", file.data)) for path, file in self.files.items()}

    @cached_property
    def id(self) -> str:
        """Return the id of the Git tree that holds exactly these files."""
        return tree_id(self.listing)


def mode_of(file: File) -> str:
    """Return Git's mode of a file."""
    return EXECUTABLE if file.executable else NORMAL


def object_id(kind: str, data: bytes) -> str:
    """Return the id that Git (and CodeCommit) give to an object: SHA-1 over its kind, size and bytes."""
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data, usedforsecurity=False).hexdigest()


def tree_id(listing: Listing) -> str:
    """Return the id of the tree with these paths, modes and blobs. The empty tree has one too."""
    here: dict[str, tuple[str, str]] = {}
    below: dict[str, dict[str, tuple[str, str]]] = {}
    for path, entry in listing.items():
        folder, slash, rest = path.partition("/")
        if slash:
            below.setdefault(folder, {})[rest] = entry
        else:
            here[path] = entry
    here |= {folder: (FOLDER, tree_id(inside)) for folder, inside in below.items()}
    # Git sorts a folder as if its name ended in a slash.
    rows = sorted(
        (name.encode() + (b"/" if mode == FOLDER else b""), name, mode, oid) for name, (mode, oid) in here.items()
    )
    body = b"".join(b"%s %s\0" % (mode.encode(), name.encode()) + bytes.fromhex(oid) for _, name, mode, oid in rows)
    return object_id("tree", body)


def render(files: Files, questions: Mapping[str, Any], answers: Mapping[str, str]) -> Tree:
    """Return the repository that Cookiecutter makes of the template for checked answers.

    The functions called are the ones that cruft calls, so there is no user configuration, no replay file and no hook
    to keep out; everything happens in a temporary folder that is gone afterwards.

    Args:
        files: the template, by path.
        questions: its cookiecutter.json.
        answers: checked by `catalog.hook.answers.checked`, and by nobody else.

    Raises:
        AnswerError: an answer that the template derives from others breaks its rule.
        RenderError: Cookiecutter refuses the template.
    """
    # Slow to import, and not needed to refuse a bad request.
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.generate import generate_context, generate_files
    from cookiecutter.prompt import prompt_for_config
    from jinja2 import TemplateError

    with ONE_AT_A_TIME, tempfile.TemporaryDirectory(prefix="seed-") as scratch:
        source, out = Path(scratch, "template"), Path(scratch, "out")
        write(files, source)
        out.mkdir()
        try:
            context = generate_context(str(source / "cookiecutter.json"), extra_context=dict(answers))
            context["cookiecutter"] = prompt_for_config(context, no_input=True)
            refuse_derived(questions, context["cookiecutter"])
            folder = Path(generate_files(source, context, out, accept_hooks=False))
        except (CookiecutterException, TemplateError, UnicodeError, OSError) as error:
            problem = quoted(str(error).replace(scratch, ""))
            raise RenderError(f"the template cannot be rendered: {problem}; publish a corrected version") from None
        if folder.parent != out.resolve() and folder.parent != out:
            raise RenderError("the template's folder must be one name, not a path; publish a corrected version")
        return Tree(dict(read(folder)))


def refuse_derived(questions: Mapping[str, Any], resolved: Mapping[str, Any]) -> None:
    """Validate what the template derived (the short name, from the title) by the same rules as the answers."""
    asked = {name: default for name, default in questions.items() if not name.startswith("_")}
    values = {name: resolved[name] for name in asked if not isinstance(resolved[name], bool)}
    if "__slug_given" in resolved:
        values["project_slug"] = resolved["__slug_given"]
    if problems := list(wrong(questions, asked, values)):
        raise AnswerError("; ".join(f"Answers.{problem}" for problem in problems))


def write(files: Files, folder: Path) -> None:
    """Write files whose paths were checked when they were read."""
    for path, file in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
        target.chmod(0o755 if file.executable else 0o644)


def read(folder: Path) -> list[tuple[str, File]]:
    """Return all files of a folder, sorted by path."""
    entries = []
    for root, _, names in os.walk(folder):
        for path in (Path(root, name) for name in names):
            file = File(path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))
            entries.append((path.relative_to(folder).as_posix(), file))
    return sorted(entries, key=lambda pair: pair[0])
