"""Silver nanowire junctions of Hochstetter et al., Nat. Commun. 12, 4008 (2021).

doi 10.1038/s41467-021-24260-z. The numbers are those of the Methods section and of the scripts
that the authors published with it; both sets have the published one-sided reset.
"""

from .._junctions import G0, LaggedSimmonsJunction, TunnelJunction


def hochstetter2021_dc() -> TunnelJunction:
    """Returns the junctions of the activation and avalanche experiments (Figs 2 to 5), for dt = 1e-3 s.

    ```python
    law = jaxnn.parameters.hochstetter2021_dc()
    law.on_conductance / law.off_conductance  # 1e3
    ```
    """
    return TunnelJunction(
        on_conductance=G0,  # [S] 1 / 12.9 kOhm
        off_conductance=7.77e-8,  # [S] on/off ratio 1e3
        set_voltage=1e-2,  # [V]
        reset_voltage=5e-3,  # [V]
        critical_flux=1e-2,  # [V s]
        max_flux=1.5e-2,  # [V s]
        boost=10.0,
        one_sided_reset=True,
    )


def hochstetter2021_ac() -> TunnelJunction:
    """Returns the junctions of the AC, Lyapunov and waveform experiments (Figs 6 to 8), for dt = 5e-4 s.

    ```python
    law = jaxnn.parameters.hochstetter2021_ac()
    law.on_conductance / law.off_conductance  # 7.77e3
    ```
    """
    return TunnelJunction(
        on_conductance=G0,  # [S]
        off_conductance=1e-8,  # [S] on/off ratio 7.77e3
        set_voltage=1e-2,  # [V]
        reset_voltage=1e-2,  # [V]
        critical_flux=1e-2,  # [V s]
        max_flux=1.5e-2,  # [V s]
        boost=10.0,
        one_sided_reset=True,
    )


def hochstetter2021_ac_deposited() -> LaggedSimmonsJunction:
    """Returns the junctions that the deposited data of Figs 6 to 8 were computed with.

    The numbers are those of `hochstetter2021_ac`, the law is Simmons' with the voltage of the step
    before. The data: transients of 3,000 s at dt = 1e-3 s, exponents at 5e-4 s, waveforms at 1e-3 s; each
    run starts with the voltages 0.

    ```python
    law = jaxnn.parameters.hochstetter2021_ac_deposited()
    law.init_state(2).shape  # (2, 2)
    ```
    """
    return LaggedSimmonsJunction(hochstetter2021_ac())
