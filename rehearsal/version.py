"""The version of the engine: that of its release, and a hash of all that its wheel is made of.

Installers do nothing for another wheel of the same version, so another content must have another version.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

RELEASE = "0.1.0"
ROOT = Path(__file__).resolve().parent
SOURCES = (
    "pyproject.toml",
    "README.md",
    "src",
    "../catalog/__init__.py",
    "../catalog/portfolio.yaml",
    "../catalog/product.yaml",
    "../catalog/router",
)


def version() -> str:
    """Return the version, such as `0.1.0+g3f2a9c1`."""
    digest = hashlib.sha256()
    for path in sorted(sources(), key=lambda path: path.relative_to(ROOT.parent).as_posix()):
        digest.update(
            f"{path.relative_to(ROOT.parent).as_posix()}\0{path.stat().st_size}\0".encode() + path.read_bytes()
        )
    return f"{RELEASE}+g{digest.hexdigest()[:7]}"


def sources() -> Iterator[Path]:
    """Yield every file that decides about the wheel's content."""
    for name in SOURCES:
        path = (ROOT / name).resolve()
        yield from (
            (one for one in path.rglob("*") if one.is_file() and one.suffix != ".pyc") if path.is_dir() else (path,)
        )
