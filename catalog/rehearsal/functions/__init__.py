"""Steps 3, 4 and 6: Lambda: functions whose real code runs in a process of its own, with its role's session only."""

from catalog.rehearsal.functions import requests, types  # noqa: F401 (register)
from catalog.rehearsal.functions.invoke import invoke, invoke_async
from catalog.rehearsal.functions.names import arn_of, name_of
from catalog.rehearsal.functions.store import Function, Functions, Invocation, of

__all__ = ["Function", "Functions", "Invocation", "arn_of", "invoke", "invoke_async", "name_of", "of"]
