"""How long `python -m pipeline definition` takes as a whole process (limit 3 s), against importing boto3 alone."""

import subprocess
import sys
import time
from statistics import median

ROUNDS = 5
LIMIT_SECONDS = 3.0
COMMANDS = {
    "definition: whole process": ["-m", "pipeline", "definition"],
    "definition: only `import boto3`, for comparison": ["-c", "import boto3"],
}


def seconds(arguments: list[str]) -> float:
    """Wall time of one Python process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> int:
    """Print the median of alternating rounds; 1 when the limit is passed."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            times[name].append(seconds(arguments))
    medians = {name: median(values) for name, values in times.items()}
    for name, value in medians.items():
        print(f"{name:<50} {value:>8.2f} s")
    whole, floor = medians.values()
    print(f"{'definition: ratio':<50} {whole / floor:>8.2f}")
    return int(whole > LIMIT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
