"""Step 4 on other Git hosts: which pushes start a pipeline. Pure functions.

https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-filter.html
https://docs.aws.amazon.com/codepipeline/latest/userguide/syntax-glob.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sagemaker_rehearsal.codepipeline.structure import Action, Pipeline

CONNECTION = "CodeStarSourceConnection"


@lru_cache
def pattern(glob: str) -> re.Pattern[str]:
    """Translate a glob: `**` crosses folders, `*` and `?` do not, `{a,b}` is one of several."""
    parts = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|"}
    depth, out = 0, []
    for sign in re.findall(r"\*\*|.", glob, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        known = sign in parts and (sign != "," or depth > 0)
        out.append(parts[sign] if known else re.escape(sign))
    return re.compile("".join(out), re.DOTALL)


def _any(globs: Sequence[str], name: str) -> bool:
    return any(pattern(glob).fullmatch(name) for glob in globs)


def passes(criteria: Mapping[str, Sequence[str]], names: Sequence[str]) -> bool:
    """Return whether a name is included and not excluded; includes default to all names, excludes take precedence."""
    includes, excludes = criteria.get("includes") or ("**",), criteria.get("excludes") or ()
    return any(_any(includes, name) and not _any(excludes, name) for name in names)


def _filters(pipeline: Pipeline, action: Action) -> Iterator[Mapping[str, Any]]:
    for trigger in pipeline.declared.get("triggers") or ():
        configuration = trigger["gitConfiguration"]
        if configuration["sourceActionName"] == action.name:
            yield from configuration.get("push") or ()


def started_by(pipeline: Pipeline, repository: str, branch: str, paths: Sequence[str]) -> Action | None:
    """Return the source action whose pipeline a push starts; None when it starts nothing.

    Without a trigger, pushes to the action's own branch start it unless DetectChanges is false (default: true).
    """
    for action in pipeline.stages[0].actions:
        configuration = action.configuration
        if action.provider != CONNECTION or configuration["FullRepositoryId"] != repository:
            continue
        filters = list(_filters(pipeline, action))
        matches = any(
            "tags" not in criteria
            and passes(criteria.get("branches") or {}, [branch])
            and passes(criteria.get("filePaths") or {}, paths)
            for criteria in filters
        )
        detects = (
            not filters
            and configuration.get("DetectChanges", "true") == "true"
            and configuration["BranchName"] == branch
        )
        if matches or detects:
            return action
    return None
