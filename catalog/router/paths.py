"""Steps 4 and 6: which changed paths matter. Pure.

A README edit must not start a paid AutoML job, nor put a model that serves through another release.
The build pipeline's file filter in product.yaml (hosts other than CodeCommit) holds the same patterns; a test compares
them. Such a filter takes 8 patterns at most.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

BUILD = ("pipeline/**", "flows/**", "settings.yaml", "constraints/build.*", "buildspecs/build.yml")
DEPLOY = ("deploy/**", "constraints/deploy.*", "buildspecs/prepare.yml", "buildspecs/check.yml")


def touched(paths: Iterable[str], patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that fit one of the patterns, sorted.

    `**` stands for a whole subtree, as in CodePipeline's filters; what the other signs mean is the same there and here.
    """
    relevant = tuple(patterns)
    return tuple(sorted({path for path in paths if any(_fits(path, pattern) for pattern in relevant)}))


def _fits(path: str, pattern: str) -> bool:
    if pattern.endswith("/**"):
        return path.startswith(pattern.removesuffix("**"))
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)
