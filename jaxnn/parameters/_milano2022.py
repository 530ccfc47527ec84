"""Silver nanowire networks of Milano, Miranda, Ricciardi and others, fitted by rate balance.

Connectome: Neural Netw. 150, 137 (2022), doi 10.1016/j.neunet.2022.02.022. Reservoir: Nat. Mater. 21, 195
(2022), doi 10.1038/s41563-021-01099-9. The numbers are those of the code that the authors published with
them. They were fitted with its step, whose bracket is misplaced: `as_published=True` is that step, to be
taken with the `dt` of the paper alone.
"""

from .._junctions import RateBalanceJunction


def milano2022_connectome(as_published: bool = False) -> RateBalanceJunction:
    """Returns the junctions of the connectome, of networks dropped at random, for dt = 0.05 s.

    - `as_published`: whether steps have the published, misplaced bracket.

    ```python
    law = jaxnn.parameters.milano2022_connectome()
    law.on_conductance / law.off_conductance  # 100
    ```
    """
    return RateBalanceJunction(
        growth_rate=1e-4,  # [1/s]
        decay_rate=0.5,  # [1/s]
        growth_sensitivity=10.0,  # [1/V]
        decay_sensitivity=1.0,  # [1/V]
        on_conductance=0.1,  # [S]
        off_conductance=1e-3,  # [S]
        as_published=as_published,
    )


def milano2022_pulses(as_published: bool = False) -> RateBalanceJunction:
    """Returns the edges of a grid of 21 x 21 nodes that answers pulses of 2 V (Fig. 2).

    The published run begins at 8.87e-4 S, below the smallest conductance of its law; this one at that.

    - `as_published`: whether steps have the published, misplaced bracket.

    ```python
    law = jaxnn.parameters.milano2022_pulses()
    law.on_conductance / law.off_conductance  # 2.72
    ```
    """
    return RateBalanceJunction(
        growth_rate=8.422409820914783e-10,  # [1/s]
        decay_rate=0.048697579017353006,  # [1/s]
        growth_sensitivity=0.19999370301178968,  # [1/V]
        decay_sensitivity=158.02444821482402,  # [1/V]
        on_conductance=3.0515679724941363e-3,  # [S]
        off_conductance=1.123825331225794e-3,  # [S]
        as_published=as_published,
    )


def milano2022_reservoir(as_published: bool = False) -> RateBalanceJunction:
    """Returns the edges of the grids that tell patterns and digits and forecast (Figs 3 to 5).

    - `as_published`: whether steps have the published, misplaced bracket.

    ```python
    law = jaxnn.parameters.milano2022_reservoir()
    law.on_conductance / law.off_conductance  # 2.68
    ```
    """
    return RateBalanceJunction(
        growth_rate=2.555173332603109e-6,  # [1/s]
        decay_rate=64.88388862524891,  # [1/s]
        growth_sensitivity=34.92155165334443,  # [1/V]
        decay_sensitivity=5.59060101680357,  # [1/V]
        on_conductance=2.7234937291258205e-3,  # [S]
        off_conductance=1.0147081216721177e-3,  # [S]
        as_published=as_published,
    )
