"""Texts against the secrets that are in them, found by all rules of the step ``redact``."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import polars as pl

from bench.scoring.tally import Tally
from logyard.pipeline.redaction.finding import find
from logyard.pipeline.redaction.rules import chosen

__all__ = ["run"]

_GENERAL = {"secret", "token", "key", "api", "access", "auth", "service", "password", "url", "user", "header"}


def run(case: Mapping[str, Any], tally: Tally) -> None:
    """One case of pii/cases.jsonl. Heuristic negatives and accidents of Luhn's digit are no part of the score."""
    text, kind, label = case["input"], case["kind"], case["label"]
    group = f"pii {'secret' if kind.startswith('secret:') else kind.removeprefix('hard_negative:')}"
    found = find(pl.Series([text]), chosen(["all"])).to_dicts()
    hidden = {place for span in found for place in range(span["start"], span["end"])}
    note = f"{kind} {text[:200]!r}"
    if label == "positive":
        for start, end, _ in case["should_mask"]:
            open_ = [place for place in range(start, end) if place not in hidden]
            tally.count("pii_recall", group, right=not open_, miss=f"{text[start:end]!r} in {note}")
    elif label == "positive_label_only":
        tally.count("pii_recall", group, right=bool(found), miss=note)
    elif label == "hard_negative" and kind != "hard_negative:digits_pass_luhn":
        wrong = [span["rule"] for span in found if _same(_kinds()[span["rule"]], kind)]
        tally.count("pii_false", group, right=bool(wrong), miss=f"{wrong} in {note}")


@cache
def _kinds() -> Mapping[str, str]:
    return {rule.name: rule.kind for rule in chosen(["all"])}


def _same(kind: str, negative: str) -> bool:
    """Whether a rule masks as the kind that a negative speaks of. Of secrets: the same house's (a GitHub token in a
    list of texts that are no GitLab tokens is still a secret). In a line that is labelled as digits: what is of digits.
    """
    if negative.startswith("secret:"):
        return kind.startswith("secret:") and bool(_houses(kind) & _houses(negative))
    if negative.startswith("hard_negative:"):
        return kind in {"credit_card", "iban", "us_ssn", "us_itin", "uk_nhs", "phone"}
    return kind == negative


def _houses(kind: str) -> set[str]:
    return set(re.split(r"[-_:]", kind)) - _GENERAL
