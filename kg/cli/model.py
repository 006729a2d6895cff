"""The options of a language model, for the commands whose extractor may ask one, and what asking it took."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from kg.cli import output
from kg.errors import ModelError

if TYPE_CHECKING:
    from kg.llm import LanguageModel

__all__ = ["taken", "told", "with_model"]

_OPTIONS: dict[str, tuple[Any, Any]] = {  # name -> annotation, default
    "name": (
        Annotated[str | None, typer.Option("--model", help="The language model, as its endpoint names it.")],
        None,
    ),
    "endpoint": (
        Annotated[str | None, typer.Option("--endpoint", help="Its address before /chat/completions.")],
        None,
    ),
    "concurrency": (Annotated[int, typer.Option("--concurrency", min=1, help="Requests to it at once.")], 4),
    "rate": (
        Annotated[float | None, typer.Option("--rate", min=0.1, help="Requests to it in a minute, at most.")],
        None,
    ),
    "price": (
        Annotated[str | None, typer.Option("--price", help="READ/WRITTEN: what a million tokens of each cost.")],
        None,
    ),
    "max_cost": (Annotated[float | None, typer.Option("--max-cost", min=0, help="Stop when so much is spent.")], None),
    "max_requests": (
        Annotated[int | None, typer.Option("--max-requests", min=0, help="Stop after so many requests.")],
        None,
    ),
    "dry_run": (Annotated[bool, typer.Option("--dry-run", help="Say what asking would take, and ask nothing.")], False),
}


def with_model(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options. It gets what they say as ``model``: a LanguageModel, or None if none is named."""

    def run(**values: Any) -> None:
        asked = {name: values.pop(name) for name in _OPTIONS}
        dry_run = asked.pop("dry_run")
        model = _model(**asked)
        if dry_run:
            _estimate(values.get("paths") or [values["gold"]], values["extractor"], model)
        else:
            try:
                command(**values, model=model)
            finally:
                if model is not None and model.meter.windows:
                    told(model)

    hints = get_type_hints(command, include_extras=True)
    own = [p.replace(annotation=hints[n]) for n, p in inspect.signature(command).parameters.items() if n != "model"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    more = [inspect.Parameter(n, keyword, default=d, annotation=a) for n, (a, d) in _OPTIONS.items()]
    shared = [p.replace(kind=keyword) for p in own]
    run.__doc__, run.__name__ = command.__doc__, command.__name__
    run.__signature__ = inspect.Signature([*shared, *more])  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in (*shared, *more)}
    return run


def _model(
    name: str | None,
    endpoint: str | None,
    concurrency: int,
    rate: float | None,
    price: str | None,
    max_cost: float | None,
    max_requests: int | None,
) -> LanguageModel | None:
    if name is None and endpoint is None:
        if any(given is not None for given in (rate, price, max_cost, max_requests)):
            raise ModelError("The bounds of a language model need the model: give --model NAME and --endpoint URL.")
        return None
    if name is None or endpoint is None:
        raise ModelError("A language model has a name and an endpoint: give both --model NAME and --endpoint URL.")
    from kg.llm import LanguageModel

    return LanguageModel(
        name=name,
        endpoint=endpoint,
        concurrency=concurrency,
        rate=rate,
        price=_price(price) if price else None,
        max_cost=max_cost,
        max_requests=max_requests,
        tell=lambda words: output.message(f"kg: {words}"),
    )


def _price(words: str) -> tuple[float, float]:
    try:
        read, written = map(float, words.split("/"))
    except ValueError as error:
        raise ModelError(f"--price {words} is not READ/WRITTEN, such as 0.15/0.60.") from error
    return read, written


def _estimate(paths: list[Path], extractor: str, model: LanguageModel | None) -> None:
    from kg import pipeline

    if model is None:
        raise ModelError("--dry-run reckons what a language model would take: give --model NAME and --endpoint URL.")
    found = pipeline.estimate(paths, model, extractor=extractor)
    output.data(f"{found.reports} reports in {found.windows} windows, {found.kept} of them asked before\n")
    output.data(f"about {found.read:,} tokens to read and {found.written:,} to write\n")
    if found.cost is not None:
        output.data(f"about {found.cost:.2f} at that price\n")


def taken(model: LanguageModel) -> dict[str, Any]:
    """What asking took, as plain data."""
    meter = model.meter
    return {
        "model": model.name,
        "windows": dict(sorted(meter.windows.items())),
        "reasons": dict(meter.reasons.most_common()),
        "requests": meter.requests,
        "from the cache": meter.kept,
        "tokens read": meter.read,
        "tokens written": meter.written,
        "cost": round(meter.cost, 6) if model.price else None,
    }


def told(model: LanguageModel) -> None:
    """Say what asking took: every window by its status, and why some have no reply."""
    meter = model.meter
    windows = ", ".join(f"{n} {status}" for status, n in sorted(meter.windows.items())) or "none"
    cost = f", cost {meter.cost:.4f}" if model.price else ""
    output.message(
        f"{model.name}: windows {windows}; {meter.requests} requests, {meter.kept} replies from the cache, "
        f"{meter.read:,} tokens read, {meter.written:,} written{cost}"
    )
    for why, count in meter.reasons.most_common(5):
        output.message(f"{count} {why}")
