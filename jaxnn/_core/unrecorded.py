"""What stands in the place of a quantity that a run did not record."""

from typing import Any

import equinox as eqx


class NotRecorded(eqx.Module):
    """No array, and false; an attempt to use it says how to have the quantity recorded."""

    name: str = eqx.field(static=True)

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return f"not recorded: record={self.name!r}"

    def __getattr__(self, attribute: str) -> Any:
        # NumPy, JAX and copy look for methods that are not there and go on.
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        self._refuse()

    def __getitem__(self, index: object) -> Any:
        self._refuse()

    def __iter__(self) -> Any:
        self._refuse()

    def __len__(self) -> int:
        return self._refuse()

    def __array__(self, *arguments: object, **options: object) -> Any:
        self._refuse()

    def __jax_array__(self) -> Any:
        self._refuse()

    def _refuse(self, *_: object) -> Any:
        raise ValueError(
            f"{self.name} was not recorded: give record={self.name!r} to the run, or record=(..., "
            f"{self.name!r}) with what else it keeps."
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __pow__ = __abs__ = __neg__ = __matmul__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __float__ = _refuse
