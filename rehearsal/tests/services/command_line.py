"""The unmodified AWS CLI against the embedded AWS.

Version 2 is required, which is on no package index (version 1 is in maintenance and ends on 2027-07-15:
https://aws.amazon.com/blogs/developer/cli-v1-maintenance-mode-announcement/). CI installs Debian's; where none is
installed these tests are skipped.
"""

import functools
import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from sagemaker_rehearsal.server import Cloud

FOLDERS = (*os.environ.get("PATH", "").split(os.pathsep), "/usr/local/bin", "/usr/bin")


@functools.cache
def find() -> str | None:
    """Return the path of the first AWS CLI of version 2, or None."""
    for folder in FOLDERS:
        path = shutil.which("aws", path=folder)
        if path:
            process = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
            if process.stdout.startswith("aws-cli/2."):
                return path
    return None


def aws(cloud: Cloud, *words: str) -> dict[str, Any]:
    """Run a command as the administrator; return its output.

    The address is given as an option, since versions before 2.13 do not read AWS_ENDPOINT_URL.
    """
    path = find()
    if path is None:
        pytest.skip("there is no AWS CLI of version 2; install it, for example Debian's package awscli")
    environment = {**cloud.environment(), "PATH": os.environ["PATH"], "HOME": str(cloud.state)}
    command = [path, "--endpoint-url", cloud.url, "--output", "json", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout or "{}"))
