"""Step 4: a synthetic, census-like sample for machines without the data and without a network.

Its columns are those of UCI Adult, so that flow, settings and gate need no change; its rows are drawn by the code below
and describe nobody. It is marked as synthetic wherever it is shown.
"""

import csv
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

NAME = "synthetic"  # DATA=synthetic asks for it where the real data could be had
NOTICE = "synthetic sample made by the rehearsal - its figures say nothing about UCI Adult"
TRAIN_ROWS, TEST_ROWS, SEED = 2200, 800, 20240517
TEST_NAME, TRAIN_NAME = "adult.test", "adult.data"
# A file beside the data, whose one line says where they come from; the project's own look-up of data reads it
ORIGIN = "ORIGIN"

# By education: years of it, share of people, and what it adds to the score of a high income
EDUCATION: Mapping[str, tuple[int, float, float]] = {
    "11th": (7, 0.06, -1.6),
    "HS-grad": (9, 0.33, -0.8),
    "Some-college": (10, 0.22, -0.3),
    "Assoc-voc": (11, 0.08, 0.1),
    "Bachelors": (13, 0.19, 1.3),
    "Masters": (14, 0.08, 2.0),
    "Doctorate": (16, 0.04, 2.9),
}
OCCUPATION: Mapping[str, tuple[float, float]] = {
    "Exec-managerial": (0.16, 1.4),
    "Prof-specialty": (0.17, 1.0),
    "Craft-repair": (0.18, -0.1),
    "Sales": (0.15, 0.2),
    "Adm-clerical": (0.16, -0.5),
    "Other-service": (0.13, -1.5),
    "?": (0.05, -0.8),
}
WORKCLASS: Mapping[str, tuple[float, float]] = {
    "Private": (0.73, 0.0),
    "Self-emp-inc": (0.05, 0.8),
    "Local-gov": (0.09, 0.1),
    "Federal-gov": (0.06, 0.5),
    "?": (0.07, -0.5),
}
MARITAL: Mapping[str, tuple[float, float]] = {
    "Married-civ-spouse": (0.48, 2.3),
    "Never-married": (0.32, -1.6),
    "Divorced": (0.15, -0.9),
    "Widowed": (0.05, -0.9),
}
RACE = {"White": 0.84, "Black": 0.1, "Asian-Pac-Islander": 0.04, "Other": 0.02}
COUNTRY = {"United-States": 0.91, "Mexico": 0.03, "Philippines": 0.02, "Germany": 0.02, "?": 0.02}
SINGLE = {"Own-child": 0.4, "Not-in-family": 0.45, "Unmarried": 0.15}


def write(folder: Path) -> Path:
    """Write the sample in the files and the format of UCI Adult, with blanks, dots and `?`; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    people = list(_people(TRAIN_ROWS + TEST_ROWS))
    _write(folder / TRAIN_NAME, people[:TRAIN_ROWS], "", "")
    _write(folder / TEST_NAME, people[TRAIN_ROWS:], "|synthetic rows\n", ".")
    (folder / ORIGIN).write_text(NOTICE + "\n", encoding="utf-8")
    return folder


def _write(path: Path, people: Sequence[Sequence[object]], head: str, end: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(head)
        for person in people:
            file.write(", ".join(map(str, person)) + end + "\n")


def _people(count: int) -> Iterator[list[object]]:
    chance = random.Random(SEED)  # noqa: S311 (rows, not secrets)
    for _ in range(count):
        yield _person(chance)


def _person(chance: random.Random) -> list[object]:
    education = _pick(chance, {name: share for name, (_, share, _) in EDUCATION.items()})
    work = _pick(chance, {name: share for name, (share, _) in WORKCLASS.items()})
    occupation = _pick(chance, {name: share for name, (share, _) in OCCUPATION.items()})
    marital = _pick(chance, {name: share for name, (share, _) in MARITAL.items()})
    sex = _pick(chance, {"Male": 0.67, "Female": 0.33})
    age = min(90, max(17, round(chance.gauss(44 if marital != "Never-married" else 29, 11))))
    hours = min(99, max(1, round(chance.gauss(41, 11))))
    gain = round(chance.lognormvariate(8.9, 0.7)) if chance.random() < 0.08 else 0
    loss = round(chance.gauss(1870, 250)) if gain == 0 and chance.random() < 0.045 else 0
    score = -2.6 + EDUCATION[education][2] + WORKCLASS[work][1] + OCCUPATION[occupation][1] + MARITAL[marital][1]
    score += 0.05 * (min(age, 55) - 40) + 0.045 * (hours - 40) + (3.5 if gain > 6000 else 0.4 * (loss > 1800))
    rich = chance.random() < 1 / (1 + math.exp(-1.6 * score))
    relation = _relation(chance, marital, sex)
    years = EDUCATION[education][0]
    return [
        age, work, chance.randint(20_000, 500_000), education, years, marital, occupation, relation,
        _pick(chance, RACE), sex, gain, max(0, loss), hours, _pick(chance, COUNTRY), ">50K" if rich else "<=50K",
    ]  # fmt: skip


def _relation(chance: random.Random, marital: str, sex: str) -> str:
    if marital == "Married-civ-spouse":
        return "Husband" if sex == "Male" else "Wife"
    return _pick(chance, SINGLE)


def _pick(chance: random.Random, shares: Mapping[str, float]) -> str:
    return chance.choices(list(shares), list(shares.values()))[0]


def rows(path: Path) -> list[list[str]]:
    """Read a file of the sample back, for tests and for the report."""
    with path.open(encoding="utf-8", newline="") as file:
        return [line for line in csv.reader(file, skipinitialspace=True) if line and not line[0].startswith("|")]
