"""Step 4: the Spark SQL expressions of custom_formula, parsed and evaluated here (no code is executed)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from .functions import FUNCTIONS, OPERATORS, as_bool, choose, to_type

Value = pd.Series
Expression = Callable[[pd.DataFrame], Value]
MAX_DEPTH = 40
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|`(?P<column>[^`]+)`|(?P<word>[A-Za-z_]\w*)|(?P<mark><=|>=|<>|!=|==|\|\||[-+*/%=<>(),]))"
)
_WORDS = frozenset(
    ("and", "or", "not", "is", "null", "true", "false", "in", "between", "case", "when", "then", "else", "end", "as")
)


class FormulaError(Exception):
    """The expression is not in the supported part of SQL."""


@dataclass(frozen=True)
class Token:
    """A token of the expression: its kind (number, text, column, word or mark) and its text."""

    kind: str
    text: str


def compile_formula(text: str) -> Expression:
    """Return the function that computes the expression for a table.

    Raises:
        FormulaError: it cannot be parsed, or uses an unsupported function.
    """
    parser = _Parser(_tokens(text))
    expression = parser.either()
    parser.finish()
    return expression


def _tokens(text: str) -> list[Token]:
    tokens, place = [], 0
    text = text.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if not match or not match.lastgroup:
            raise FormulaError(f"cannot read {text[place : place + 20]!r} at position {place}")
        tokens.append(Token(match.lastgroup, match.group(match.lastgroup)))
        place = match.end()
    return tokens


class _Parser:
    """A recursive-descent parser: one method for each level of precedence, lowest first."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens, self.place, self.depth = tokens, 0, 0

    def peek(self, *texts: str) -> bool:
        if self.place >= len(self.tokens):
            return False
        token = self.tokens[self.place]
        return token.kind in ("word", "mark") and token.text.lower() in texts

    def take(self, *texts: str) -> str | None:
        if not self.peek(*texts):
            return None
        self.place += 1
        return self.tokens[self.place - 1].text.lower()

    def expect(self, text: str) -> None:
        if not self.take(text):
            got = self.tokens[self.place].text if self.place < len(self.tokens) else "the end"
            raise FormulaError(f"expected {text!r}, got {got!r}")

    def finish(self) -> None:
        if self.place < len(self.tokens):
            raise FormulaError(f"did not expect {self.tokens[self.place].text!r}")

    def either(self) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FormulaError(f"nested deeper than {MAX_DEPTH}")
        left = self.both()
        while self.take("or"):
            left = _logic("or", left, self.both())
        self.depth -= 1
        return left

    def both(self) -> Expression:
        left = self.negation()
        while self.take("and"):
            left = _logic("and", left, self.negation())
        return left

    def negation(self) -> Expression:
        times = 0
        while self.take("not"):
            times += 1
        inner = self.comparison()
        return (lambda table: ~as_bool(inner(table))) if times % 2 else inner

    def comparison(self) -> Expression:
        left = self.sum()
        if mark := self.take("=", "==", "<>", "!=", "<", "<=", ">", ">="):
            return _binary(mark, left, self.sum())
        if self.take("is"):
            negated = bool(self.take("not"))
            self.expect("null")
            return lambda table: (left(table).notna() if negated else left(table).isna()).astype("boolean")
        negated = bool(self.take("not"))
        test = self.membership(left)
        if test is None:
            if negated:
                raise FormulaError("expected IN or BETWEEN after NOT")
            return left
        return (lambda table: ~test(table)) if negated else test

    def membership(self, left: Expression) -> Expression | None:
        if self.take("between"):
            low = self.sum()
            self.expect("and")
            return _logic("and", _binary(">=", left, low), _binary("<=", left, self.sum()))
        if not self.take("in"):
            return None
        self.expect("(")
        tests = [_binary("=", left, item) for item in self.arguments()]
        test = tests[0]
        for other in tests[1:]:
            test = _logic("or", test, other)
        return test

    def sum(self) -> Expression:
        left = self.product()
        while mark := self.take("+", "-", "||"):
            left = _binary(mark, left, self.product())
        return left

    def product(self) -> Expression:
        left = self.sign()
        while mark := self.take("*", "/", "%"):
            left = _binary(mark, left, self.sign())
        return left

    def sign(self) -> Expression:
        minus = False
        while mark := self.take("-", "+"):
            minus ^= mark == "-"
        inner = self.atom()
        return (lambda table: -inner(table)) if minus else inner

    def atom(self) -> Expression:
        if self.take("("):
            inner = self.either()
            self.expect(")")
            return inner
        if self.take("case"):
            return self.case()
        if self.place >= len(self.tokens):
            raise FormulaError("the expression ends too early")
        token = self.tokens[self.place]
        self.place += 1
        return self.word(token) if token.kind == "word" else _literal(token)

    def word(self, token: Token) -> Expression:
        name = token.text.lower()
        if name in ("true", "false", "null"):
            return _constant({"true": True, "false": False, "null": None}[name])
        if name in _WORDS:
            raise FormulaError(f"did not expect {token.text!r}")
        if not self.take("("):
            return _column(token.text)
        if name == "cast":
            return self.cast()
        if name not in FUNCTIONS:
            raise FormulaError(f"the function {token.text} is not known here; known: {', '.join(sorted(FUNCTIONS))}")
        arguments, (function, fewest, most) = self.arguments(), FUNCTIONS[name]
        if not fewest <= len(arguments) <= most:
            raise FormulaError(f"the function {token.text} does not take {len(arguments)} arguments")
        return lambda table: function(*(argument(table) for argument in arguments))

    def arguments(self) -> list[Expression]:
        values = [self.either()]
        while self.take(","):
            values.append(self.either())
        self.expect(")")
        return values

    def cast(self) -> Expression:
        inner = self.either()
        self.expect("as")
        name = self.tokens[self.place].text.lower() if self.place < len(self.tokens) else ""
        self.place += 1
        self.expect(")")
        if to_type(name) is None:
            raise FormulaError(f"cannot cast to {name!r}")
        return lambda table: to_type(name)(inner(table))  # type: ignore[misc]

    def case(self) -> Expression:
        branches: list[tuple[Expression, Expression]] = []
        while self.take("when"):
            test = self.either()
            self.expect("then")
            branches.append((test, self.either()))
        if not branches:
            raise FormulaError("expected WHEN after CASE")
        rest = self.either() if self.take("else") else _constant(None)
        self.expect("end")
        for test, value in reversed(branches):
            rest = _choice(test, value, rest)
        return rest


def _logic(word: str, left: Expression, right: Expression) -> Expression:
    if word == "or":
        return lambda table: as_bool(left(table)) | as_bool(right(table))
    return lambda table: as_bool(left(table)) & as_bool(right(table))


def _binary(mark: str, left: Expression, right: Expression) -> Expression:
    return lambda table: OPERATORS[mark](left(table), right(table))


def _choice(test: Expression, value: Expression, rest: Expression) -> Expression:
    return lambda table: choose(test(table), value(table), rest(table))


def _literal(token: Token) -> Expression:
    if token.kind == "number":
        whole = token.text.isdigit()
        return _constant(int(token.text) if whole and len(token.text) < 19 else float(token.text))
    if token.kind == "text":
        return _constant(re.sub(r"\\(.)", r"\1", token.text[1:-1]))
    if token.kind == "column":
        return _column(token.text)
    raise FormulaError(f"did not expect {token.text!r}")


_DTYPES = {bool: "boolean", int: "Int64", float: "Float64", str: "string[pyarrow]", type(None): "Float64"}


def _constant(value: object) -> Expression:
    return lambda table: pd.Series(value, index=table.index, dtype=_DTYPES[type(value)])


def _column(name: str) -> Expression:
    def read(table: pd.DataFrame) -> Value:
        columns = [column for column in table.columns if column == name] or [
            column for column in table.columns if str(column).lower() == name.lower()
        ]
        if len(columns) != 1:
            raise FormulaError(f"column {name!r} is not in the data, which has: {', '.join(map(str, table.columns))}")
        series = table[columns[0]]
        return series.astype("Float64") if series.dtype == "float64" else series

    return read
