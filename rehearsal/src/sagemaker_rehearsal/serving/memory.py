"""Step 7: how much memory this process holds."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_MB = 1024 * 1024


def resident_mb() -> float:
    """Read the resident set of this process in MB; where the system does not tell, its highest value so far."""
    pages = Path("/proc/self/statm")
    if pages.exists():
        return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / _MB
    return _peak_mb()


def _peak_mb() -> float:
    try:
        import resource
    except ImportError:  # Windows has no such module; then memory is not checked
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _MB if sys.platform == "darwin" else peak / 1024
