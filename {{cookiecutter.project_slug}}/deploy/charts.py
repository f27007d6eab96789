"""Step 9: the dossier's figures as inline SVG: text stays text, the same numbers give the same bytes.

Each figure carries a title and a description for readers who do not see it. Nothing is loaded from anywhere.
"""

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, LINE, ACCENT, WARN = "#1b2733", "#5b6875", "#d7dde3", "#1f5fa8", "#b3261e"
MAX_POINTS = 240
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that every machine lays the text out alike
    "font.size": 10,
    "axes.edgecolor": LINE,
    "grid.color": "#eceff2",
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), MUTED),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor"), "none"),
    **dict.fromkeys(("axes.grid", "axes.axisbelow"), True),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
}


def figure(name: str, title: str, description: str, width: float, height: float, draw: Any) -> str:  # noqa: ANN401
    """Draw on fresh axes of a size in inches; return the SVG element, with title and description for screen readers.

    The name is unique in the document and salts the ids inside, so that figures do not share any.
    """
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        drawing = Figure(figsize=(width, height), layout="constrained")
        draw(drawing.add_subplot())
        buffer = io.StringIO()
        drawing.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _inline(buffer.getvalue(), name, title, description)


def _inline(svg: str, name: str, title: str, description: str) -> str:
    """Keep the element only, without matplotlib's repeated ids, and name it for screen readers."""
    body = svg[svg.index("<svg") :].strip()
    body = re.sub(r"\s*<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    head = f'<svg class="chart" role="img" aria-labelledby="{name}-title {name}-description"'
    texts = {"title": ("title", title), "description": ("desc", description)}
    names = [f'<{tag} id="{name}-{key}">{escape(text)}</{tag}>' for key, (tag, text) in texts.items()]
    opening, rest = body.split(">", 1)
    return opening.replace("<svg", head, 1) + ">" + "".join(names) + rest


def thin(*series: Sequence[float]) -> list[list[float]]:
    """Take at most MAX_POINTS of each series, evenly, with the first and the last."""
    length = len(series[0])
    if length <= MAX_POINTS:
        return [list(values) for values in series]
    at = [round(i * (length - 1) / (MAX_POINTS - 1)) for i in range(MAX_POINTS)]
    return [[values[i] for i in at] for values in series]


def roc(false_positive: Sequence[float], true_positive: Sequence[float], auc: float) -> str:
    """Receiver operating characteristic."""
    xs, ys = thin(false_positive, true_positive)

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.fill_between(xs, ys, color=ACCENT, alpha=0.08, linewidth=0)
        axes.plot(xs, ys, color=ACCENT, linewidth=2)
        axes.text(0.97, 0.06, f"AUC {auc:.4f}", ha="right", fontsize=12, fontweight="bold", color=ACCENT)
        axes.text(0.60, 0.53, "guessing", color=MUTED, fontsize=9, rotation=37, ha="center", va="top")
        _square(axes, "False positive rate", "True positive rate")

    description = f"True against false positive rate on held-out rows; AUC is {auc:.4f}."
    return figure("roc", "ROC curve", description, 3.9, 3.4, draw)


def precision_recall(precisions: Sequence[float], recalls: Sequence[float], share: float | None) -> str:
    """Precision against recall; `share` is the positive class's share, the precision of guessing."""
    ps, rs = thin(precisions, recalls)

    def draw(axes: Axes) -> None:
        if share is not None:
            axes.axhline(share, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
            axes.text(0.03, share - 0.02, f"guessing ({share:.2f})", color=MUTED, fontsize=9, va="top")
        axes.plot(rs, ps, color=ACCENT, linewidth=2)
        _square(axes, "Recall", "Precision")

    description = "Precision against recall on held-out rows."
    return figure("precision-recall", "Precision-recall curve", description, 3.9, 3.4, draw)


def _square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1.005), xlabel=x, ylabel=y)


def importance(shares: Mapping[str, float], top: int = 15) -> str:
    """Draw the features that count most, largest first; one below 0 counts as much as none."""
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:top]

    def draw(axes: Axes) -> None:
        labels = [shorten(name) for name, _ in ranked]
        bars = axes.barh(range(len(ranked)), [max(value, 0.0) for _, value in ranked], color=ACCENT, height=0.66)
        axes.bar_label(bars, fmt="%.4f", padding=4, color=MUTED, fontsize=9)
        axes.set_yticks(range(len(ranked)), labels, parse_math=False)
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("Importance")
        axes.tick_params(axis="y", length=0)

    first = ", ".join(name for name, _ in ranked[:3])
    description = f"The {len(ranked)} most important features, of which the first are {first}."
    return figure("importance", "Feature importance", description, 7.9, 0.75 + 0.3 * len(ranked), draw)


def standing(metric: str, marks: Mapping[str, float], value: float) -> str:
    """The registered value of the gate's metric on one line with what it had to beat."""
    ordered = sorted(marks.items(), key=lambda item: item[1])

    def draw(axes: Axes) -> None:
        axes.plot([value], [0], "o", color=ACCENT, markersize=13, zorder=3)
        axes.annotate(f"this model\n{value:.4f}", (value, 0), (0, 14), textcoords="offset points", ha="center",
                      va="bottom", color=ACCENT, fontweight="bold")  # fmt: skip
        for place, (name, mark) in enumerate(ordered):
            axes.plot([mark, mark], [-0.28, 0.28], color=INK, linewidth=2)
            axes.annotate(f"{name}\n{mark:.4f}", (mark, -0.28), (0, -4 - 26 * (place % 2)), textcoords="offset points",
                          ha="center", va="top", color=INK)  # fmt: skip
        axes.axhline(0, color=LINE, linewidth=6, zorder=0, solid_capstyle="round")
        axes.set(ylim=(-1.9, 1.3), yticks=[])
        axes.margins(x=0.14)
        axes.spines[:].set_visible(False)
        axes.grid(visible=False)
        axes.tick_params(axis="x", length=0, labelbottom=False)

    text = "; ".join(f"{name} {mark:.4f}" for name, mark in ordered)
    title = f"{metric} beside what it had to beat"
    return figure("standing", title, f"This model {value:.4f}; {text}.", 7.9, 1.9, draw)


def latency(milliseconds: Sequence[float], limit_ms: float, p95_ms: float) -> str:
    """How long the single-row calls took."""

    def draw(axes: Axes) -> None:
        axes.hist(milliseconds, bins=min(30, max(5, len(milliseconds) // 3)), color=ACCENT, rwidth=0.92)
        axes.axvline(p95_ms, color=INK, linewidth=1.5)
        top = axes.get_ylim()[1]
        axes.text(p95_ms, top, f" p95 {p95_ms:.1f} ms", va="top", fontweight="bold")
        if limit_ms <= 2 * max(milliseconds):
            axes.axvline(limit_ms, color=WARN, linewidth=1.5, linestyle=(0, (4, 3)))
            axes.text(limit_ms, top * 0.85, f" limit {limit_ms:g} ms", va="top", color=WARN)
        axes.set(xlabel="Milliseconds a call", ylabel="Calls")
        axes.grid(visible=False, axis="x")
        axes.margins(x=0.08)

    description = f"{len(milliseconds)} calls; p95 {p95_ms:.1f} ms; the limit is {limit_ms:g} ms."
    return figure("latency", "Latency of single-row calls", description, 7.9, 2.4, draw)


def predicted(actual: Sequence[float], answered: Sequence[float]) -> str:
    """Regression: the endpoint's answers against the true values."""

    def draw(axes: Axes) -> None:
        low, high = min(*actual, *answered), max(*actual, *answered)
        axes.plot([low, high], [low, high], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.plot(actual, answered, "o", color=ACCENT, alpha=0.35, markersize=4, markeredgewidth=0)
        axes.set(xlabel="True value", ylabel="Predicted value")

    description = f"{len(actual)} rows; the dashed line is exact."
    return figure("predicted", "Predicted against true values", description, 3.9, 3.4, draw)


def residuals(actual: Sequence[float], answered: Sequence[float]) -> str:
    """Regression: what is left over, against the prediction."""

    def draw(axes: Axes) -> None:
        left = [a - p for a, p in zip(actual, answered, strict=True)]
        axes.axhline(0, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.plot(answered, left, "o", color=ACCENT, alpha=0.35, markersize=4, markeredgewidth=0)
        axes.set(xlabel="Predicted value", ylabel="True minus predicted")

    return figure("residuals", "Residuals", f"Errors of {len(actual)} rows against the prediction.", 3.9, 3.4, draw)


def shorten(name: str, length: int = 38) -> str:
    """Cut a long feature name in the middle."""
    return name if len(name) <= length else f"{name[: length // 2 - 1]}…{name[-(length // 2 - 1) :]}"
