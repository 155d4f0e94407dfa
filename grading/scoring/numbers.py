"""Exact numbers: half-up rounding, text for people, text for storage.

Points come in as ``Decimal``. Where a division happens (scaling, shares, averages) the value becomes a
``Fraction`` and stays exact until the one place where the round says that it is rounded.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

Exact = Fraction | Decimal

ZERO = Decimal(0)
HUNDRED = Decimal(100)


@lru_cache(maxsize=65536)
def exact(value: Decimal) -> Fraction:
    """Return a decimal as the fraction it is; the same weights, lines and sums come again for every branch."""
    return Fraction(value)


def round_half_up(value: Exact, places: int) -> Decimal:
    """Return ``value`` rounded 四舍五入 to ``places`` decimals (a tie goes away from zero)."""
    numerator, denominator = value.as_integer_ratio()
    units = (2 * abs(numerator) * 10**places + denominator) // (2 * denominator)
    return Decimal(units if numerator >= 0 else -units).scaleb(-places)


def plain(value: Decimal) -> str:
    """Return a decimal as people write it: no exponent, no zeros at the end (``20``, ``14.5``)."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def terminates(value: Fraction, places: int) -> bool:
    """Tell whether ``value`` has no more than ``places`` decimals."""
    scaled: Fraction = value * 10**places
    return scaled.denominator == 1


def show(value: Fraction, places: int = 4) -> str:
    """Return ``value`` in full when it is short, else cut after ``places`` decimals and marked with an ellipsis."""
    if terminates(value, places):
        return plain(round_half_up(value, places))
    scaled = abs(value) * 10**places
    whole = scaled.numerator // scaled.denominator
    sign = "−" if value < 0 else ""
    return f"{sign}{format(Decimal(whole).scaleb(-places), 'f')}…"


def percent(value: Fraction, places: int = 2) -> str:
    """Return a share as a percentage, rounded half up for display only (never for a comparison)."""
    return f"{format(round_half_up(value * 100, places), 'f')}%"


def fraction_text(value: Fraction) -> str:
    """Return the storage form of a fraction, ``"7/2"`` or ``"3"``."""
    return str(value)


def parse_fraction(text: str) -> Fraction:
    """Return the fraction written by :func:`fraction_text`."""
    return Fraction(text)
