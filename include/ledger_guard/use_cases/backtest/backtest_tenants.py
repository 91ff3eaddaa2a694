"""Where each tenant of a backtest has its row in an array that grows with the tenants."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item", bound=np.generic)


class TenantRows:
    """Gives every tenant a row when it is first seen, and the same one ever after."""

    def __init__(self) -> None:
        #: tenants by row
        self.names: list[str] = []
        self._row: dict[str, int] = {}
        self._asked: tuple[str, ...] = ()
        self._rows = np.zeros(0, np.intp)

    def of(self, tenant_ids: tuple[str, ...]) -> NDArray[np.intp]:
        """Rows of these tenants; quick where the same tenants are asked for again."""
        if tenant_ids is not self._asked and tenant_ids != self._asked:
            for tenant_id in tenant_ids:
                if tenant_id not in self._row:
                    self._row[tenant_id] = len(self.names)
                    self.names.append(tenant_id)
            self._asked = tenant_ids
            self._rows = np.array([self._row[tenant_id] for tenant_id in tenant_ids], np.intp)
        return self._rows

    def grown(self, array: NDArray[Item], filling: float) -> NDArray[Item]:
        """`array` with a row for every tenant at least, new ones set to `filling`; itself where it is long enough."""
        if len(array) >= len(self.names):
            return array
        more = np.full((2 * len(self.names) - len(array), *array.shape[1:]), filling, array.dtype)
        return np.concatenate([array, more])
