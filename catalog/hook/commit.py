"""Step 3: bring the rendered tree into CodeCommit; as often as it is asked to, and once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from catalog.hook.errors import BranchLostError, BusyError, ImmovableError, ServiceError
from catalog.hook.plan import Plan, Tip, changes, chunks, seed
from catalog.hook.repository import Conflict, Repository
from catalog.hook.request import TEMPLATE_BRANCH, Request, quoted
from catalog.hook.tree import Tree

LOOKS = 8


@dataclass(frozen=True)
class Outcome:
    """What CloudFormation is told: the commit on `template` that holds the rendering, its tree, and what was done."""

    commit: str
    tree: str
    summary: str
    pull_request: str = ""


def create(repository: Repository, tree: Tree, request: Request) -> Outcome:
    """Seed the repository, or find that it is seeded.

    Raises:
        NotEmptyError: the repository holds something else; nothing was changed.
    """
    return patiently(lambda look: create_once(repository, tree, request, thoroughly=look > 0))


def update(repository: Repository, tree: Tree, request: Request) -> Outcome:
    """Bring a new rendering to `template`, and propose it to the branch that CI builds, which is not touched.

    Raises:
        ImmovableError: the update asks for another branch.
        BranchLostError: `template`, or the branch that CI builds, was deleted.
    """
    return patiently(lambda _: update_once(repository, tree, request))


def patiently(act: Callable[[int], Outcome]) -> Outcome:
    """Try again when somebody else was quicker."""
    for look in range(LOOKS):
        try:
            return act(look)
        except Conflict:
            continue
    raise BusyError(f"the repository changed {LOOKS} times while it was being seeded; retry when nobody pushes to it")


def create_once(repository: Repository, tree: Tree, request: Request, *, thoroughly: bool) -> Outcome:
    """Look, plan and act."""
    state = repository.look(request.branch, thoroughly=thoroughly)
    if state.main and state.main.tree != tree.id and state.template is None:
        state = type(state)(state.default, state.main, repository.tip(TEMPLATE_BRANCH))
    plan = seed(state, tree, request.branch)
    commit = act(repository, plan, tree, request)
    return Outcome(commit, tree.id, "seeded" if plan.make_branch else "was seeded already")


def act(repository: Repository, plan: Plan, tree: Tree, request: Request) -> str:
    """Carry out a plan, and return the commit that holds the whole tree."""
    tip = Tip(plan.parent, "") if plan.parent else None
    for number, chunk in enumerate(plan.chunks, 1):
        follow = len(plan.chunks) - number
        part = f" ({follow} more to follow)" if follow else ""
        tip = repository.commit(chunk, tip.commit if tip else None, message("Start from the template", part, request))
    if plan.chunks and tip:
        expect(tree, tip)
    commit = tip.commit if tip else ""
    if plan.make_branch:
        repository.make_branch(request.branch, commit)
    if plan.make_default:
        repository.make_default(request.branch)
    return commit


def update_once(repository: Repository, tree: Tree, request: Request) -> Outcome:
    """Look, commit what differs, and propose it."""
    if request.old_branch != request.branch and repository.default() != request.branch:
        raise ImmovableError(
            f"BranchName: CI builds {quoted(request.old_branch)}, and cannot be moved to {quoted(request.branch)}; "
            "create a new SageMaker project instead"
        )
    tip = repository.root(TEMPLATE_BRANCH)
    if tip is None:
        return without_template(repository, tree, request)
    if tip.tree != tree.id:
        for chunk in chunks(changes(repository.listing(tip.commit), tree)):
            tip = repository.commit(chunk, tip.commit, message("Update from the template", "", request))
        expect(tree, tip)
    return propose(repository, tree, tip, request)


def without_template(repository: Repository, tree: Tree, request: Request) -> Outcome:
    """Seed a repository that is still empty; a deleted `template` branch is for people to bring back."""
    if repository.default() is None:
        return create_once(repository, tree, request, thoroughly=True)
    raise BranchLostError(
        f"branch `{TEMPLATE_BRANCH}` was deleted, so nobody can tell what {quoted(request.branch)} came from; bring "
        "it back at the commit named 'Start from the template' "
        f"(git push origin COMMIT:refs/heads/{TEMPLATE_BRANCH}) and retry"
    )


def propose(repository: Repository, tree: Tree, tip: Tip, request: Request) -> Outcome:
    """Open a pull request, unless one is open or everything is merged."""
    base = repository.merge_base(request.branch)
    if base is None:
        raise BranchLostError(f"branch {quoted(request.branch)} was deleted; push it again and retry")
    if base == tip.commit:
        return Outcome(tip.commit, tree.id, "unchanged")
    number = repository.open_request(request.branch) or repository.open(
        request.branch,
        "Update from the project template",
        "The product was updated: a newer template, or other answers. Merge this to take the changes over; where both "
        "sides changed a line, resolve it here or on the command line. Closing it changes nothing.\n\n"
        f"Template: sha256 {request.artifact.sha256}",
        tip.commit,
    )
    return Outcome(tip.commit, tree.id, f"pull request {number} proposes the update", number)


def message(title: str, part: str, request: Request) -> str:
    """Return a commit's message."""
    return f"{title}{part}\n\nTemplate: sha256 {request.artifact.sha256}"


def expect(tree: Tree, tip: Tip) -> None:
    """Compare CodeCommit's tree with the one that was computed here."""
    if tip.tree != tree.id:
        raise ServiceError(
            f"CodeCommit made tree {tip.tree} where {tree.id} was sent; report this as a defect of the hook"
        )
