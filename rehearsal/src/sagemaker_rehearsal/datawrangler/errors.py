"""Step 4: the error of the flow runner."""

from __future__ import annotations


class FlowError(Exception):
    """A flow, its data or its arguments are invalid; the message names the node, the rule and the remedy."""


def at(node_id: str, operator: str, problem: str) -> FlowError:
    """Return the error for `problem` at a node.

    Args:
        node_id: the node's id, as in the file.
        operator: the node's operator, as in the file.
        problem: a sentence with the actual value, the rule and the remedy.
    """
    return FlowError(f"node {shown(node_id)} ({shown(operator)}): {problem}")


def shown(value: object, limit: int = 80) -> str:
    """Return `value` for a message: one line, printable, no longer than `limit` characters."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[: limit + 1])
    return text if len(text) <= limit else text[: limit - 3] + "..."
