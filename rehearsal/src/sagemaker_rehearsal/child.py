"""Steps 4, 7 and 10: run a module or a script in a process that ends when the one that started it does.

    python -m sagemaker_rehearsal.child -m MODULE [arguments]
    python -m sagemaker_rehearsal.child SCRIPT [arguments]

Standard input is a pipe that nobody writes to: when the parent is gone, in whatever way, it is at its end.
"""

import os
import runpy
import sys
import threading


def _end_with_parent(pipe: int) -> None:
    while os.read(pipe, 1024):
        pass
    os._exit(143)


def main(arguments: list[str]) -> None:
    """Watch the parent, then become the module or script."""
    pipe = os.dup(0)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    threading.Thread(target=_end_with_parent, args=(pipe,), daemon=True).start()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
