"""Array types that the detection speaks in, and growing them as tenants appear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]


#: of each array: the value of an unknown tenant, the axes before the tenant's, and the type
Blank = Mapping[str, tuple[float, tuple[int, ...], type]]


class TenantMemory:
    """Something remembered of each tenant, as arrays (attributes of the names in `blank`) whose last axis is the tenant.

    So what is done for every tenant runs along the memory, and one row of a ring or of an hour of the day lies in one piece.
    Growing, storing and restoring need nothing else.
    """

    def __init__(self, blank: Blank) -> None:
        self._blank = blank
        for name, (_, axes, kind) in blank.items():
            setattr(self, name, np.zeros((*axes, 0), kind))

    def grow(self, count: int) -> None:
        """Make room for `count` new, unknown tenants."""
        for name, (value, axes, kind) in self._blank.items():
            known = getattr(self, name)
            setattr(self, name, np.concatenate([known, np.full((*axes, count), value, kind)], axis=-1))

    def forget(self) -> None:
        """Reset every tenant to unknown."""
        for name, (value, _, _) in self._blank.items():
            getattr(self, name)[:] = value

    def stored(self) -> dict[str, NDArray[Any]]:
        """Every array by name."""
        return {name: getattr(self, name) for name in self._blank}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `stored` gave. Raises KeyError when a part is missing."""
        for name in self._blank:
            setattr(self, name, arrays[name])


def middle(values: Floats) -> float:
    """The median of at least one value; numpy's own costs a small fleet more than the sorting."""
    in_order = np.sort(values)
    half = len(in_order) // 2
    return float(in_order[half] if len(in_order) % 2 else (in_order[half - 1] + in_order[half]) / 2.0)


def left_as_it_was(new: Floats, old: Floats, where: NDArray[np.intp]) -> Floats:
    """`new`, with the `old` values of the tenants at the indices `where`: mostly few, so that this is quicker than `np.where`."""
    if len(where):
        new[..., where] = old[..., where]
    return new
