"""Step 4: Adult's two files become one CSV, found where the user, the cache or a mirror has them."""

from pathlib import Path

import pytest

from pipeline.data import sources
from pipeline.data.sources import HEADER, Source, UnreachableError, adult_csv, find
from pipeline.errors import DataError

PERSON = "39, State-gov, 77516, HS-grad, 13, Never-married, Sales, Not-in-family, White, Male, 2174, 0, 40, ?, <=50K"
TRAIN = f"{PERSON}\n\n".encode()
TEST = f"|1x3 Cross validator\n{PERSON}.\n\n".encode()
JOINED = f"{HEADER}\n{PERSON},train\n{PERSON},test\n".encode()


class Mirror:
    """Answers what it was given, counts how often, and refuses everything else."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        name = url.rsplit("/", 1)[1]
        if name not in self.files:
            raise OSError("no route to host")
        return self.files[name]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Small files in place of the published ones, with their own digests."""
    files = {"adult.data": TRAIN, "adult.test": TEST}
    monkeypatch.setattr(sources, "SHA256", {name: sources.sha256(data) for name, data in files.items()})
    return files


def test_both_files_become_one_csv_that_keeps_the_published_split() -> None:
    assert adult_csv(TRAIN, TEST) == JOINED


def test_a_line_of_another_width_is_named() -> None:
    with pytest.raises(DataError, match=r"adult\.data:2: has 2 fields; a row of Adult has 15"):
        adult_csv(TRAIN.splitlines()[0] + b"\n39, State-gov\n", TEST)


def test_a_folder_with_both_files_goes_before_everything(tmp_path: Path) -> None:
    for name, data in (("adult.data", TRAIN), ("adult.test", TEST)):
        (tmp_path / name).write_bytes(data)
    source = find("other.csv", str(tmp_path), tmp_path / "work")
    assert (source.location, Path(source.location).read_bytes()) == (tmp_path / "work" / "data.csv", JOINED)


def test_a_csv_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(b"a,b\n")
    by_name, by_folder = (find("uci-adult", str(path), tmp_path / "w") for path in (tmp_path / "mine.csv", tmp_path))
    assert by_name.location == by_folder.location == tmp_path / "mine.csv"


def test_an_object_in_s3_stays_there(tmp_path: Path) -> None:
    assert find("s3://bucket/k.csv", None, tmp_path) == Source("s3://bucket/k.csv", "data.source=s3://bucket/k.csv")


@pytest.mark.parametrize("name", ["absent.csv", ""])
def test_a_path_that_holds_no_csv_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^DATA=.*(does not exist|holds 0 CSV files)"):
        find("uci-adult", str(tmp_path / name), tmp_path / "work")


def test_a_download_is_checked_kept_and_not_repeated(tmp_path: Path, published: dict[str, bytes]) -> None:
    mirror = Mirror(published)
    for _ in range(2):
        source = find("uci-adult", None, tmp_path / "work", tmp_path / "cache", mirror)
    assert (Path(source.location).read_bytes(), len(mirror.asked)) == (JOINED, 2)


def test_a_mirror_with_other_bytes_is_passed_over(tmp_path: Path, published: dict[str, bytes]) -> None:
    mirror = Mirror(published | {"adult.test": b"changed"})
    with pytest.raises(UnreachableError, match="sha256 is"):
        find("uci-adult", None, tmp_path / "work", tmp_path / "cache", mirror)


def test_a_damaged_cache_is_filled_again(tmp_path: Path, published: dict[str, bytes]) -> None:
    (tmp_path / "adult.data").write_bytes(b"half a file")
    find("uci-adult", None, tmp_path / "work", tmp_path, Mirror(published))
    assert (tmp_path / "adult.data").read_bytes() == TRAIN


def test_without_any_mirror_the_sentence_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"cannot be downloaded; give the folder that holds it, DATA=folder"):
        find("uci-adult", None, tmp_path / "work", tmp_path / "cache", Mirror({}))


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/a,b.csv", "s3://B/a.csv", f"s3://bucket/{'a' * 250}"])
def test_an_s3_uri_that_the_model_registry_would_refuse_is_refused_before_anything_runs(uri: str) -> None:
    with pytest.raises(DataError, match=r"DATA: got .*; must be s3://bucket/key of .*; copy the object"):
        find("uci-adult", uri, Path("unused"))


def test_where_data_came_from_is_noted_in_the_registrys_signs() -> None:
    origin = "UCI Adult, DATA=/home/me/my files (new)/*" + "x" * 300
    assert Source("s3://bucket/key", origin).note == ("UCI Adult DATA=/home/me/my files new / " + "x" * 300)[:256]
