"""Step 4: find the input data: what was given, else a cache, else a download whose sha256 is checked."""

import hashlib
import os
import re
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from pipeline.errors import DataError

ADULT = "uci-adult"
# Names and order: adult.names of the data set, Becker & Kohavi (1996), https://doi.org/10.24432/C5XW20
FEATURES = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,"
    "capital_gain,capital_loss,hours_per_week,native_country"
)
HEADER = f"{FEATURES},income,split"
WIDTH = FEATURES.count(",") + 2  # with the target, without the split
# Of the files that UCI publishes, https://doi.org/10.24432/C5XW20
SHA256 = {
    "adult.data": "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
    "adult.test": "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
}
MIRRORS = (
    "https://sagemaker-sample-files.s3.amazonaws.com/datasets/tabular/uci_adult",
    "https://archive.ics.uci.edu/ml/machine-learning-databases/adult",
)
SECONDS_TO_ANSWER = 2
# Values of a model package's metadata: 256 letters, digits, blanks and _ . : / = + - @
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
MAX_NOTE = 256
NOT_IN_NOTES = re.compile(r"[^\w .:/=+@-]")
S3_URI = re.compile(r"(?=.{8,256}$)s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[\w .:/=+@-]+")
# A file beside the data, whose one line names their origin
ORIGIN = "ORIGIN"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sagemaker-autopilot" / "uci-adult"

Fetch = Callable[[str], bytes]


class UnreachableError(DataError):
    """The sample data could not be downloaded: not given, not cached, and no mirror answers."""

    exit_code = 4


@dataclass(frozen=True)
class Source:
    """Where the input CSV is."""

    location: Path | str  # a local CSV that is to be uploaded, or the s3:// URI of one that is there already
    origin: str  # where it came from, for people

    @property
    def note(self) -> str:
        """The origin in signs that the model registry takes."""
        return " ".join(NOT_IN_NOTES.sub(" ", self.origin).split())[:MAX_NOTE].strip()


def fetch(url: str) -> bytes:
    """Download over HTTPS; a silent host is given up after two seconds, so that a laptop without network goes on."""
    with urllib.request.urlopen(url, timeout=SECONDS_TO_ANSWER) as answer:  # noqa: S310 (MIRRORS are https)
        return bytes(answer.read())


def find(source: str, data: str | None, work: Path, cache: Path = CACHE, fetch: Fetch = fetch) -> Source:
    """Find the input CSV.

    Args:
        source: `data.source` of settings.yaml: uci-adult, a path or an s3:// URI.
        data: the user's DATA, if any, which goes before `source`: a folder with Adult's two files, a folder with one
            CSV, a CSV, or an s3:// URI.
        work: folder for a CSV that has to be made first.
        cache: folder of earlier downloads.
        fetch: downloads a URL; raises OSError when it cannot.

    Raises:
        UnreachableError: when uci-adult cannot be downloaded.
        DataError: when a given path does not exist or holds no CSV.
    """
    location, name = (data, "DATA") if data else (source, "data.source")
    if location.startswith("s3://"):
        if not S3_URI.fullmatch(location):
            rule = "must be s3://bucket/key of letters, digits, blanks and _ . : / = + - @ (the registry notes it)"
            raise DataError(f"{name}: got {location!r}; {rule}; copy the object to such a key")
        return Source(location, f"{name}={location}")
    if location == ADULT:
        return Source(_write(_published(cache, fetch), work), f"UCI Adult, from {cache}")
    return _local(Path(location), f"{name}={location}", work)


def _local(path: Path, origin: str, work: Path) -> Source:
    if path.is_file():
        return Source(path, origin)
    if not path.is_dir():
        raise DataError(f"{origin}: does not exist; give a CSV, a folder with adult.data and adult.test, or s3://...")
    if (path / ORIGIN).is_file():
        origin = (path / ORIGIN).read_text(encoding="utf-8").strip()
    if all((path / name).is_file() for name in SHA256):
        files = {name: (path / name).read_bytes() for name in SHA256}
        published = all(sha256(data) == SHA256[name] for name, data in files.items())
        return Source(_write(files, work), f"UCI Adult, {origin}" if published else origin)
    tables = sorted(path.glob("*.csv"))
    if len(tables) != 1:
        raise DataError(f"{origin}: holds {len(tables)} CSV files, and not adult.data and adult.test; name the CSV")
    return Source(tables[0], origin)


def _published(cache: Path, fetch: Fetch) -> dict[str, bytes]:
    """Return Adult's two files from the cache, filling it from the first mirror that has them unchanged."""
    cached = {name: (cache / name).read_bytes() for name in SHA256 if (cache / name).is_file()}
    files = {name: data for name, data in cached.items() if sha256(data) == SHA256[name]}
    for name in SHA256.keys() - files.keys():
        files[name] = _download(name, fetch)
        _replace(cache / name, files[name])
    return files


def _download(name: str, fetch: Fetch) -> bytes:
    tried = []
    for mirror in MIRRORS:
        try:
            data = fetch(f"{mirror}/{name}")
        except (OSError, HTTPException) as error:
            tried.append(f"{mirror}: {error}")
            continue
        if sha256(data) == SHA256[name]:
            return data
        tried.append(f"{mirror}: sha256 is {sha256(data)}, not {SHA256[name]}")
    raise UnreachableError(
        f"data.source: {name} of UCI Adult is not in the cache and cannot be downloaded; "
        f"give the folder that holds it, DATA=folder, or your own CSV ({'; '.join(tried)})"
    )


def sha256(data: bytes) -> str:
    """Return the hexadecimal digest of a file's content."""
    return hashlib.sha256(data).hexdigest()


def _write(files: dict[str, bytes], work: Path) -> Path:
    path = work / "data.csv"
    _replace(path, adult_csv(files["adult.data"], files["adult.test"]))
    return path


def _replace(path: Path, data: bytes) -> None:
    """Write a whole file or none: whoever reads at the same time sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as partial:
        partial.write(data)
    os.replace(partial.name, path)


def adult_csv(train: bytes, test: bytes) -> bytes:
    """Join adult.data and adult.test into one CSV; raise DataError when a line has not the fields of Adult.

    What is odd about the files' form is mended here (no header, a comment line, dots behind the labels of adult.test);
    what is odd about their values (blanks after commas, `?` for missing) is left to the flow, where a team sees it.
    """
    lines = [HEADER, *_rows(train, "adult.data", "train"), *_rows(test, "adult.test", "test")]
    return ("\n".join(lines) + "\n").encode()


def _rows(data: bytes, name: str, side: str) -> Iterator[str]:
    for number, line in enumerate(_text(data, name).splitlines(), start=1):
        row = line.strip().removesuffix(".")
        if not row or row.startswith("|"):
            continue
        if row.count(",") + 1 != WIDTH:
            rule = f"a row of Adult has {WIDTH}; download the file again"
            raise DataError(f"{name}:{number}: has {row.count(',') + 1} fields; {rule}")
        yield f"{row},{side}"


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: byte {error.start}: is not UTF-8; download the file again") from error
