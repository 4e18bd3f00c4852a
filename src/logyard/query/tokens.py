"""The full-text index: which words a text must have to match, and when having them is enough.

The index holds the words of a message as the language has them, in their case (column ``words`` of
``store/migrations/0001_logs.sql``). A phrase that is one word is answered by the index alone. Of a longer
phrase the words are a sieve in front of an exact test.
"""

from collections.abc import Sequence
from typing import Final

from logyard.query.expressions import array

__all__ = ["any_sieve", "is_word", "sieve", "tokens"]

_UNDERSCORE: Final = "\ue000"
"""What the index has for ``_``, at which its tokenizer would part words."""


def is_word(phrase: str) -> bool:
    """Whether the phrase is one word, so that the index knows all there is to know."""
    return _words(phrase) == (phrase,)


def tokens(phrase: str, *, ends: bool = True) -> tuple[str, ...]:
    """The words that a text with this phrase must have, as the index holds them.

    ``ends``: the phrase ends where a word does; else its last word may be a piece of a longer one.
    """
    found = _words(phrase)
    if found and not ends and phrase.endswith(found[-1]):
        found = found[:-1]
    return tuple(word.replace("_", _UNDERSCORE) for word in found)


def sieve(wanted: Sequence[str]) -> list[str]:
    """A condition that all these tokens are there; none when there are no tokens."""
    return [f"hasAllTokens(words, {array(sorted(set(wanted)))})"] if wanted else []


def any_sieve(phrases: Sequence[tuple[str, ...]]) -> list[str]:
    """A condition that the tokens of one of the phrases are there; none when some phrase has no tokens."""
    if not phrases or not all(phrases):
        return []
    if all(len(each) == 1 for each in phrases):
        return [f"hasAnyTokens(words, {array(sorted({each[0] for each in phrases}))})"]
    return ["(" + " OR ".join(sieve(each)[0] for each in phrases) + ")"]


def _words(text: str) -> tuple[str, ...]:
    """Runs of letters, decimal digits and ``_``, in order."""
    return tuple("".join(each if _inside(each) else " " for each in text).split())


def _inside(character: str) -> bool:
    return character == "_" or character.isalpha() or character.isdecimal()
