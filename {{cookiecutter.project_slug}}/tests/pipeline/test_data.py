"""Step 4: the input CSV is found where the user, the cache or a mirror has it, and flows are validated."""

import json
from pathlib import Path

import pytest

from pipeline.data import sources
from pipeline.data.flows import FlowFile, FlowFileError, read, text, types
from pipeline.data.sources import HEADER, Source, UnreachableError, adult_csv, find
from pipeline.errors import DataError
from pipeline.settings.load import load
from tests.pipeline.project import flow

BALANCE = {"node_id": "b", "type": "TRANSFORM", "operator": "sagemaker.spark.balance_data_0.1"}
CUSTOM = {"node_id": "c", "type": "TRANSFORM", "operator": "sagemaker.spark.custom_pandas_0.1"}
ROOT = Path(__file__).parents[2]
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


def test_data_set_and_destination_are_found() -> None:
    assert read(flow(), "f.flow") == FlowFile("data.csv", "clean")


def test_a_named_destination_is_taken_of_several() -> None:
    assert read(flow(destinations=("a", "b")), "f.flow", "b") == FlowFile("data.csv", "b")


def test_what_the_flow_may_hold_depends_on_where_it_runs() -> None:
    assert read(flow(BALANCE, CUSTOM), "f.flow", balance=True, custom_code=True) == FlowFile("data.csv", "clean")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            flow(BALANCE),
            r"f\.flow: node b .*: balancing here would put synthetic rows into the held-out .* flow\.balance",
        ),
        (flow(CUSTOM), r"f\.flow: node c .*: runs code; must be allowed; .*allow_custom_code: true"),
        (flow(destinations=()), r"has 0 DESTINATION nodes \(none\)"),
        (
            flow(destinations=("a", "b")),
            r"has 2 DESTINATION nodes \(a, b\); must have one; name it in flow\.destination",
        ),
        (flow(name="a/b"), r"data set name 'a/b' of the SOURCE node must be a folder's name"),
        (flow({"node_id": "s", "type": "SOURCE"}), r"has 2 SOURCE nodes"),
        ("{", r"f\.flow: is no JSON"),
        ("[]", r"f\.flow: must be an object with a list `nodes`"),
        ("[" * 100_000, r"f\.flow: is no JSON"),
    ],
)
def test_a_wrong_flow_is_a_sentence(content: str, sentence: str) -> None:
    with pytest.raises(FlowFileError, match=sentence):
        read(content, "f.flow")


def test_an_unknown_destination_is_a_sentence_that_lists_the_known() -> None:
    with pytest.raises(FlowFileError, match=r"no DESTINATION node 'x' \(flow\.destination\); known: clean"):
        read(flow(), "f.flow", "x")


def test_types_are_long_float_or_string() -> None:
    rows = [["1", "1", "x", "", "1e999"], ["?", "2.5", "3", "", "1"]]
    assert types(["a", "b", "c", "d", "e"], rows) == {
        "a": "long",
        "b": "float",
        "c": "string",
        "d": "string",
        "e": "string",
    }


def test_a_new_flow_is_one_that_the_pipeline_takes() -> None:
    columns = ["a", "y"]
    written = text(columns, {"a": "long", "y": "string"})
    operators = [node["operator"].rpartition(".")[2] for node in json.loads(written)["nodes"]]
    assert operators == ["1", "1", "1", "1"]
    assert read(written, "f.flow").dataset == "data.csv"


def test_the_flow_of_this_repository_is_one_that_the_pipeline_takes() -> None:
    chosen = load(ROOT / "settings.yaml").flow
    content = (ROOT / chosen.file).read_text(encoding="utf-8")
    assert read(content, chosen.file, chosen.destination, custom_code=chosen.allow_custom_code).dataset != ""
