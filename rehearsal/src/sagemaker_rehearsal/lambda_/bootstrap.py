"""Steps 3, 4 and 6: what runs in a function's process: the runtime, with Lambda's handler protocol. Stdlib only.

    python -S -P bootstrap.py READY_FILE

It imports the handler, writes READY_FILE, then answers invocations, one line of JSON each on standard input, by writing
the file that the invocation names. It ends when standard input does: when nobody needs it any more.

The forms of errors are those of https://github.com/aws/aws-lambda-python-runtime-interface-client.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import queue
import resource
import sys
import threading
import time
import traceback
from types import SimpleNamespace
from typing import Any

Answer = dict[str, Any]


class Context:
    """What a handler gets as its second argument.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.aws_request_id = request["request_id"]
        self.invoked_function_arn = request["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = None
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self._deadline = float(request["deadline"])

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function is ended."""
        return max(0, int((self._deadline - time.time()) * 1000))


class Failed(Exception):  # noqa: N818 (carries an answer)
    """The handler could not be found."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.answer = {"errorMessage": message, "errorType": kind, "requestId": "", "stackTrace": []}


def load(name: str) -> Any:  # noqa: ANN401 (a handler is what its author made it)
    """Import `package.module.function`."""
    try:
        module, function = name.rsplit(".", 1)
    except ValueError as error:
        raise Failed("Runtime.MalformedHandlerName", f"Bad handler '{name}': {error}") from None
    try:
        loaded = importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        raise Failed("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}") from error
    except SyntaxError as error:
        raise Failed("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}") from error
    try:
        return getattr(loaded, function)
    except AttributeError:
        raise Failed("Runtime.HandlerNotFound", f"Handler '{function}' missing on module '{module}'") from None


def answer(handler: Any, request: dict[str, Any]) -> tuple[bool, str]:  # noqa: ANN401 (as above)
    """Invoke the handler; tell whether it succeeded, and what is sent back."""
    try:
        result = handler(json.loads(request["event"]), Context(request))
    except Failed as failed:
        return False, json.dumps({**failed.answer, "requestId": request["request_id"]})
    except Exception as error:
        # The first frame is this file's
        frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
        lines = "".join(frames)
        kind = type(error).__name__
        print(f"[ERROR] {kind}: {error}\nTraceback (most recent call last):\n{lines}", end="", flush=True)
        failure = {"errorMessage": str(error), "errorType": kind, "requestId": request["request_id"]}
        return False, json.dumps({**failure, "stackTrace": frames})
    try:
        return True, json.dumps(result, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        failure = {"errorMessage": f"Unable to marshal response: {error}", "errorType": "Runtime.MarshalError"}
        return False, json.dumps({**failure, "requestId": request["request_id"], "stackTrace": []})


def write(path: str, text: str) -> None:
    """Write a file that is never seen half."""
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.part", path)


def read_lines(pipe: int, lines: queue.Queue[str]) -> None:
    """Hand lines on; end the process, whatever it does, when there can be no more."""
    with os.fdopen(pipe, encoding="utf-8") as file:
        for line in file:
            lines.put(line)
    os._exit(0)


def most_memory() -> int:
    """Return the most memory that this process had, in KiB.

    Linux's getrusage counts what the process was forked from too; only its `VmHWM` does not.
    """
    if os.path.exists("/proc/self/status"):
        with open("/proc/self/status", encoding="utf-8") as file:
            sizes = [line.split()[1] for line in file if line.startswith("VmHWM:")]
        if sizes:
            return int(sizes[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def main(ready: str) -> None:
    """Load, then answer for ever."""
    pipe = os.dup(0)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=read_lines, args=(pipe, lines), daemon=True).start()
    logging.basicConfig(stream=sys.stdout, format="[%(levelname)s]\t%(asctime)sZ\t%(message)s")
    handler = _loaded()
    write(ready, "")
    while True:
        request = json.loads(lines.get())
        succeeded, payload = answer(handler, request)
        sys.stdout.flush()
        write(request["result"], json.dumps({"ok": succeeded, "payload": payload, "memory": most_memory()}))


def _loaded() -> Any:  # noqa: ANN401 (as above)
    """Return the handler; for one that cannot be loaded, a handler that raises what Lambda answers then."""
    try:
        return load(os.environ["_HANDLER"])
    except Exception as error:
        failed = error if isinstance(error, Failed) else Failed(type(error).__name__, str(error))
        print(f"[ERROR] {failed.answer['errorType']}: {failed}", flush=True)

        def refuse(event: object, context: object) -> None:
            raise failed

        return refuse


if __name__ == "__main__":
    main(sys.argv[1])
