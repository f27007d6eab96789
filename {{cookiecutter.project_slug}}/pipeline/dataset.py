"""Step 4: make one CSV of UCI Adult's two files: a header, and a column that keeps the published split. Pure."""

from collections.abc import Iterator

from pipeline.errors import DataError

# Names and order: adult.names of the data set, Becker & Kohavi (1996), https://doi.org/10.24432/C5XW20
FEATURES = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
)
TARGET = "income"
SPLIT = "split"
HEADER = ",".join((*FEATURES, TARGET, SPLIT))


def adult_csv(train: bytes, test: bytes) -> bytes:
    """Join adult.data and adult.test into one CSV.

    What is odd about the files' form is mended here (no header, a comment line, dots behind the labels of adult.test);
    what is odd about their values (blanks after commas, `?` for missing) is left to the flow, where a team sees it.

    Raises:
        DataError: when a line has another number of fields than Adult has.
    """
    lines = [HEADER, *_rows(train, "adult.data", "train"), *_rows(test, "adult.test", "test")]
    return ("\n".join(lines) + "\n").encode()


def _rows(data: bytes, name: str, side: str) -> Iterator[str]:
    for number, line in enumerate(_text(data, name).splitlines(), start=1):
        row = line.strip().removesuffix(".")
        if not row or row.startswith("|"):
            continue
        fields = row.count(",") + 1
        if fields != len(FEATURES) + 1:
            raise DataError(
                f"{name}:{number}: has {fields} fields; a row of Adult has {len(FEATURES) + 1}; download the file again"
            )
        yield f"{row},{side}"


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: byte {error.start}: is not UTF-8; download the file again") from error
