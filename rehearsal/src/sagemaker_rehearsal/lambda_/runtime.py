"""Steps 3, 4 and 6: what a function's process is given: the runtime's packages, its role's session, its own variables.

Nothing of this process's environment, and of its packages only those that Lambda's Python runtimes bring.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from sagemaker_rehearsal.iam import identity
from sagemaker_rehearsal.lambda_.function import Function
from sagemaker_rehearsal.server import clients
from sagemaker_rehearsal.server.service import Host

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
# No function may set these
RESERVED = frozenset(
    {
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    }
)  # fmt: skip
LAMBDA = "lambda.amazonaws.com"
_making = threading.Lock()


def command(ready: Path) -> list[str]:
    """Return the command of a process: a Python without this one's packages and without the folder it starts in."""
    return [sys.executable, "-S", "-P", str(BOOTSTRAP), str(ready)]


def environment(cloud: Host, function: Function, stream: str, temporary: Path) -> dict[str, str]:
    """Return all variables of a process."""
    settings = function.settings
    own = dict((settings.get("Environment") or {}).get("Variables") or {})
    where = clients.environment(cloud.url, cloud.region)
    return {
        **{name: value for name, value in where.items() if name not in clients.KEYS},
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        # Nobody's home on Lambda can be written to
        "HOME": f"{os.devnull}/sbx_user1051",
        "TMPDIR": str(temporary),
        **own,
        **cloud.options.get("function_environment", {}),
        **_reserved(cloud, function, stream),
        **identity.keys_for(cloud, settings["Role"], function.name, LAMBDA, function.arn),
    }


def _reserved(cloud: Host, function: Function, stream: str) -> Mapping[str, str]:
    packages = folder(cloud)
    return {
        "_HANDLER": function.settings["Handler"],
        "AWS_REGION": cloud.region,
        "AWS_DEFAULT_REGION": cloud.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.settings['Runtime']}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.settings["MemorySize"]),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "LAMBDA_TASK_ROOT": str(function.package.folder),
        "LAMBDA_RUNTIME_DIR": str(packages),
        "PYTHONPATH": os.pathsep.join([str(function.package.folder), str(packages)]),
        "PYTHONUNBUFFERED": "1",
    }


def folder(cloud: Host) -> Path:
    """Return a folder that offers the runtime's packages, and nothing else that is installed here."""
    runtime = cloud.state / "lambda" / "runtime"
    with _making:
        runtime.mkdir(parents=True, exist_ok=True)
        for name in PACKAGES:
            _link(name, runtime)
    return runtime


def _link(name: str, target: Path) -> None:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return
    origin = Path(spec.origin)
    found = origin.parent if origin.name == "__init__.py" else origin
    link = target / found.name
    if not link.is_symlink():
        link.symlink_to(found)
