"""Step 1: pack what is published: the template, the hook and the router. The same commit gives the same bytes anywhere.

The zips are not compressed (see `catalog.hook.archive`): 3 MB are uploaded once for each version.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from catalog.hook.archive import pack
from catalog.hook.artifact import File, Files

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ("cookiecutter.json", "hooks", "{{cookiecutter.project_slug}}", "LICENSE")
HOOK = ("catalog/__init__.py", "catalog/hook", "hooks/pre_gen_project.py")
ROUTER = ("catalog/__init__.py", "catalog/router")
PINS = "constraints/render.txt"
# Packages that rendering checked answers does not import. The test of the bundle runs it without them.
LEFT_OUT = {
    "certifi": "only for templates on the web",
    "charset-normalizer": "only for templates on the web",
    "click": "only for the command line",
    "idna": "only for templates on the web",
    "markdown-it-py": "only for Markdown on a terminal",
    "mdurl": "only for Markdown on a terminal",
    "pygments": "only for code on a terminal",
    "pyyaml": "only for a user's own configuration",
    "requests": "only for templates on the web",
    "tzdata": "Lambda's system has the time zones",
    "urllib3": "only for templates on the web",
}
# The function's Python; wheels with compiled parts exist for it, and only their Python parts are taken.
RUNTIME, PLATFORM = "3.13", "manylinux2014_x86_64"
KEPT = re.compile(
    r"(?!.*/(?:tests?|__pycache__)/).*\.py|text_unidecode/data\.bin|binaryornot/data/[^/]+"
    r"|[^/]+\.dist-info/(?:licenses/)?LICEN[CS]E[^/]*"
)
# Rich draws on terminals with these; Cookiecutter's questions are never asked here.
NEVER_DRAWN = re.compile(r"rich/(?:_emoji_codes|markdown|pretty|progress\w*|syntax|table|traceback)\.py")


class BundleError(Exception):
    """A bundle cannot be made; the text says what to do."""


@dataclass(frozen=True)
class Bundle:
    """One zip, under a key that its content decides."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Return the digest of the zip's bytes."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def key(self) -> str:
        """Return the key in the artifact bucket."""
        return f"{self.name}/{self.sha256[:16]}/{self.name}.zip"


@dataclass(frozen=True)
class Manifest:
    """What was packed from what."""

    version: str
    commit: str
    clean: bool
    bundles: dict[str, dict[str, str | int]]

    def text(self) -> str:
        """Return the manifest as JSON."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"


def git(*arguments: str, root: Path = ROOT) -> str:
    """Return what a Git command prints.

    Raises:
        BundleError: there is no Git, or no repository.
    """
    try:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise BundleError(f"{root}: bundles are made of what Git tracks, and Git failed ({error}); clone it") from None


def tracked(paths: Sequence[str], root: Path = ROOT) -> Files:
    """Return the files that Git tracks below some paths, as they are in the working tree."""
    rows = [row.split("\t", 1) for row in git("ls-files", "-s", "-z", "--", *paths, root=root).split("\0") if row]
    present = [(mode[:6], path) for mode, path in rows if (root / path).is_file()]
    return {path: File((root / path).read_bytes(), mode == "100755") for mode, path in present}


def template(root: Path = ROOT) -> Bundle:
    """Return the template as every door of Cookiecutter sees it.

    Raises:
        BundleError: a file is empty; no project could be made of it, because CodeCommit's API refuses empty files.
    """
    files = tracked(TEMPLATE, root)
    if empty := [path for path, file in files.items() if not file.data]:
        raise BundleError(f"{', '.join(empty)}: is empty, and CodeCommit takes no empty file; write a comment into it")
    return Bundle("template", pack(files))


def hook(wheels: Path, root: Path = ROOT) -> Bundle:
    """Return the function that seeds repositories, with the packages it needs.

    Args:
        wheels: the folder that `fetch` filled.
        root: this repository.
    """
    files = {path: file for path, file in tracked(HOOK, root).items() if path.endswith(".py")}
    for name, digests in needed(root).items():
        files |= unpacked(wheel(name, digests, wheels))
    return Bundle("hook", pack(files))


def router(root: Path = ROOT) -> Bundle:
    """Return the function that starts the pipelines; it needs nothing but what its runtime has."""
    files = {path: file for path, file in tracked(ROUTER, root).items() if path.endswith(".py")}
    return Bundle("router", pack(files))


def needed(root: Path = ROOT) -> dict[str, set[str]]:
    """Return the packages of the hook, and the digests that their pins allow."""
    lines = (root / PINS).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    pins = {line.partition("==")[0]: set(re.findall(r"sha256:([0-9a-f]{64})", line)) for line in lines}
    return {name: digests for name, digests in pins.items() if name not in LEFT_OUT}


def wheel(name: str, digests: set[str], wheels: Path) -> bytes:
    """Return the bytes of a package's wheel.

    Raises:
        BundleError: it is not there, or not the pinned one.
    """
    for path in sorted(wheels.glob(f"{name.replace('-', '_')}-*.whl")):
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() in digests:
            return data
    raise BundleError(f"{wheels}: holds no wheel of {name} that {PINS} pins; run: python -m catalog.bundle fetch")


def unpacked(data: bytes) -> Files:
    """Return what is kept of a wheel: Python, licence, and the head of its metadata, where its version stands."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if not NEVER_DRAWN.fullmatch(name)]
        heads = {
            name: File(archive.read(name).partition(b"\n\n")[0] + b"\n")
            for name in names
            if name.endswith(".dist-info/METADATA")
        }
        return {name: File(archive.read(name)) for name in names if KEPT.fullmatch(name)} | heads


def manifest(bundles: Sequence[Bundle], root: Path = ROOT) -> Manifest:
    """Return what was packed from what. Tags of the form v1.2.3 are the template's versions."""
    return Manifest(
        version=git("describe", "--tags", "--match", "v[0-9]*", "--always", root=root).strip(),
        commit=git("rev-parse", "HEAD", root=root).strip(),
        clean=not git("status", "--porcelain", "--", *TEMPLATE, "catalog", PINS, root=root).strip(),
        bundles={
            bundle.name: {"key": bundle.key, "sha256": bundle.sha256, "bytes": len(bundle.data)} for bundle in bundles
        },
    )


def fetch(wheels: Path, root: Path = ROOT) -> None:
    """Download the hook's wheels by pip, which holds them to the pinned digests."""
    lines = (root / PINS).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    wheels.mkdir(parents=True, exist_ok=True)
    request = wheels / "wanted.txt"
    request.write_text("\n".join(line for line in lines if line.partition("==")[0] in needed(root)) + "\n")
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    target = [f"--python-version={RUNTIME}", "--implementation=cp", f"--platform={PLATFORM}", f"--dest={wheels}"]
    command = [sys.executable, "-m", "pip", "download", *options, *target, f"--requirement={request}"]
    if subprocess.run(command, check=False).returncode:  # noqa: S603
        raise BundleError("pip could not download the pinned wheels; see above")


def make(wheels: Path, root: Path = ROOT) -> Iterator[Bundle]:
    """Yield every bundle, fetching wheels when some are missing."""
    try:
        packed = hook(wheels, root)
    except BundleError:
        fetch(wheels, root)
        packed = hook(wheels, root)
    yield from (template(root), packed, router(root))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the zips and the manifest into a folder."""
    parser = argparse.ArgumentParser(prog="python -m catalog.bundle", description=__doc__)
    parser.add_argument("command", choices=["fetch", "write"])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "catalog")
    options = parser.parse_args(arguments)
    wheels: Path = options.out / "wheels"
    try:
        if options.command == "fetch":
            fetch(wheels)
            return 0
        bundles = list(make(wheels))
        for bundle in bundles:
            (options.out / f"{bundle.name}.zip").write_bytes(bundle.data)
            print(f"{bundle.name:<9} {len(bundle.data):>9} bytes  {bundle.key}")
        (options.out / "manifest.json").write_text(manifest(bundles).text(), encoding="utf-8")
    except BundleError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
