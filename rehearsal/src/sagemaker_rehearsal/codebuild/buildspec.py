"""Steps 4, 6 and 8: run a real buildspec as CodeBuild does: phases, variables and artifacts, in a clean checkout.

Supported of buildspec 0.2: env.variables and exported-variables; phases with commands, finally and on-failure;
artifacts.files and base-directory. The install phase is skipped: the rehearsal's environment is already installed from
the same constraint files.
https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

import fnmatch
import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sagemaker_rehearsal.processes import Processes, environment, tail
from sagemaker_rehearsal.server.errors import RehearsalError

KEYS = {"version", "env", "phases", "artifacts", "cache", "reports", "batch", "run-as", "proxy"}
PHASES = ("install", "pre_build", "build", "post_build")


@dataclass(frozen=True)
class Phase:
    """The commands of one phase."""

    name: str
    commands: tuple[str, ...]
    last: tuple[str, ...]
    aborts: bool


@dataclass(frozen=True)
class Buildspec:
    """The supported content of a buildspec."""

    variables: Mapping[str, str]
    exported: tuple[str, ...]
    phases: tuple[Phase, ...]
    files: tuple[str, ...]
    base: str


@dataclass
class Build:
    """The result of a build."""

    succeeded: bool
    reason: str
    log: Path
    exported: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> Buildspec:
    """Parse a buildspec.

    Raises:
        RehearsalError: when CodeBuild would reject it, or it uses an unsupported feature.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise RehearsalError(f"{path}: cannot be read ({error}); restore it from the template") from error
    if not isinstance(document, dict) or set(document) - KEYS or document.get("version") != 0.2:
        raise RehearsalError(f"{path}: is no buildspec of version 0.2 with the sections {', '.join(sorted(KEYS))}")
    env = document.get("env") or {}
    secret = sorted({"parameter-store", "secrets-manager"} & set(env))
    if secret:
        raise RehearsalError(f"{path}: env.{secret[0]}: the rehearsal has no secrets; use env.variables")
    phases = document.get("phases") or {}
    unknown = sorted(set(phases) - set(PHASES))
    if unknown:
        raise RehearsalError(f"{path}: phases.{unknown[0]}: must be one of {', '.join(PHASES)}")
    artifacts = document.get("artifacts") or {}
    return Buildspec(
        variables={key: str(value) for key, value in (env.get("variables") or {}).items()},
        exported=tuple(env.get("exported-variables") or ()),
        phases=tuple(_phase(name, phases[name], path) for name in PHASES if name in phases),
        files=tuple(artifacts.get("files") or ()),
        base=artifacts.get("base-directory", "."),
    )


def _phase(name: str, phase: Mapping[str, Any], path: Path) -> Phase:
    for key in ("commands", "finally"):
        for command in phase.get(key) or ():
            if not isinstance(command, str):
                raise RehearsalError(
                    f"{path}: phases.{name}.{key}: {command!r} is no text; quote a command that holds a colon"
                )
    aborts = str(phase.get("on-failure", "CONTINUE" if name == "build" else "ABORT")).upper() == "ABORT"
    return Phase(name, tuple(phase.get("commands") or ()), tuple(phase.get("finally") or ()), aborts)


def run(
    spec: Buildspec, source: Path, log: Path, env: Mapping[str, str], processes: Processes, artifact: Path | None = None
) -> Build:
    """Run a buildspec in `source`, a checkout or an earlier build's artifact.

    Args:
        spec: the parsed buildspec.
        source: the folder to run it in.
        log: the file for all output.
        env: the build project's variables.
        processes: starts the commands and ends them with the rehearsal.
        artifact: the folder to collect the artifact's files in.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("", encoding="utf-8")
    state = environment(env, spec.variables, env, {"CODEBUILD_SRC_DIR": str(source), "CODEBUILD_BUILD_SUCCEEDING": "1"})
    reason = ""
    for phase in spec.phases:
        if phase.name == "install":
            _note(log, "Phase install is left out: this environment was made from the same constraint files")
            continue
        state["CODEBUILD_BUILD_SUCCEEDING"] = "0" if reason else "1"
        code, state = _run_phase(phase, source, log, state, processes)
        if code:
            reason = reason or f"phase {phase.name} ended with exit code {code}: {_last_words(log)}"
            if phase.aborts:
                break
    if not reason and artifact is not None:
        reason = _collect(spec, source, artifact)
    _note(log, f"Build {'failed: ' + reason if reason else 'succeeded'}")
    return Build(not reason, reason, log, {name: state[name] for name in spec.exported if name in state})


def _run_phase(
    phase: Phase, source: Path, log: Path, state: dict[str, str], processes: Processes
) -> tuple[int, dict[str, str]]:
    """Run a phase in one shell; return its exit code and the environment for the next phase."""
    _note(log, f"Entering phase {phase.name}")
    folder = log.with_name(f"{log.stem}.shell")
    folder.mkdir(parents=True, exist_ok=True)
    left, script = folder / f"{phase.name}.env", folder / f"{phase.name}.sh"
    end = f"code=$?; {_lines(phase.last, folder, 'finally')} env -0 > {shlex.quote(str(left))}; exit $code"
    lines = [f"at_end() {{ {end}; }}", "trap at_end EXIT", "set -a"]
    lines += [
        _lines((command,), folder, f"{phase.name}-{number}", True) for number, command in enumerate(phase.commands)
    ]
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    bash = shutil.which("bash")
    if bash is None:
        raise RehearsalError("bash is not found; buildspecs need it; install it or run the rehearsal on Linux or macOS")
    process = processes.start([bash, "--noprofile", "--norc", str(script)], log, state, source)
    code = processes.wait(process)
    if left.exists():
        pairs = left.read_text(encoding="utf-8", errors="replace").split("\0")
        state = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return code, state


def _lines(commands: tuple[str, ...], folder: Path, name: str, stop: bool = False) -> str:
    """Write commands to files and return the shell lines that log and source them, so that exports persist."""
    parts = []
    for number, command in enumerate(commands):
        file = folder / f"{name}-{number}.command"
        file.write_text(command + "\n", encoding="utf-8")
        quoted = shlex.quote(str(file))
        echo = f'printf "[Container] Running command %s\\n" "$(cat {quoted})";'
        parts.append(f"{echo} . {quoted}{' || exit $?' if stop else ';'}")
    return " ".join(parts)


def _collect(spec: Buildspec, source: Path, artifact: Path) -> str:
    """Copy the artifact's files; return the error when none match."""
    base = source / spec.base
    files = [
        path for path in sorted(base.rglob("*")) if path.is_file() and _matches(path.relative_to(base), spec.files)
    ]
    if spec.files and not files:
        return f"no matching artifact paths found for {', '.join(spec.files)}"
    if artifact.exists():
        shutil.rmtree(artifact)
    for path in files:
        target = artifact / path.relative_to(base)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return ""


def _matches(path: Path, patterns: tuple[str, ...]) -> bool:
    if "__pycache__" in path.parts:
        return False
    return any(pattern == "**/*" or fnmatch.fnmatch(path.as_posix(), pattern) for pattern in patterns)


def _note(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(f"[Rehearsal] {text}{os.linesep}")


def _last_words(log: Path) -> str:
    """Return the last line of output, preferring `error: ...` lines."""
    lines = [
        line
        for line in tail(log, 4000).splitlines()
        if line.strip() and not line.startswith(("[Rehearsal]", "[Container]"))
    ]
    errors = [line for line in lines if line.startswith("error:")]
    return (errors or lines or ["it wrote nothing"])[-1][:600]
