"""The numbers that detection turns on, each with what it means and where it comes from.

Few on purpose. Those marked flat were moved over a wide range on two fault campaigns without a page more or less;
those marked sharp were not, and are not to be changed without the bench. Any change makes new incidents of old rows,
so a store records which version judged it.
"""

from dataclasses import dataclass

VERSION = "d1"
"""Version of everything in this package that decides an incident."""


@dataclass(frozen=True, slots=True)
class Params:
    """Thresholds of the tests and of the incidents they open."""

    span_min: int = 5
    """Minutes that one judgement looks back over, and the length of a block (flat up to 10, sharp below 5)."""

    open_score: float = 5.5
    """Score at which one candidate opens an incident (flat from 5 to 6)."""

    keep_score: float = 2.75
    """Score from which an unusual rate is kept as evidence: half of ``open_score``."""

    sum_weight: float = 0.8
    """Weight of the sum of independent candidates that together open an incident."""

    sum_top: int = 8
    """How many independent candidates are summed at most."""

    new_scores: tuple[float, float, float] = (0.5, 2.0, 6.0)
    """Score of a pattern never seen before, by severity class 0, 1, 2."""

    declared_score: float = 6.0
    """Score of what the user declared must not happen: a silent steady group, an overdue heartbeat."""

    mute_min: int = 30
    """Minutes for which a subject stays quiet after a candidate (sharp above 30, flat down to 15)."""

    rare_share: float = 0.03
    """Share of blocks up to which a suspect that is back is still news (flat from 0.01 to 0.1; none at all is
    sharp: a failure's second occurrence would have been learned)."""

    rare_blocks: int = 2
    """Blocks up to which it always is."""

    spike_least: int = 4
    """Events below which a known pattern never has an unusual rate; a group's errors need one more."""

    spike_ratio: float = 2.5
    """Times the expected count that an unusual rate has at least (flat from 2 to 4)."""

    spike_evidence: float = 3.0
    """-log10 of the tail probability, corrected for the number of tests, that scores ``open_score`` (2 gave 4.6
    false alarms a day on a quiet synthetic stream, 3 gives 0.5)."""

    spike_cap: float = 12.0
    """Highest score of an unusual rate."""

    spike_blocks: int = 12
    """Blocks that must have been seen before a rate can be called unusual: an hour."""

    dispersion_least: float = 0.03
    """Least over-dispersion of a count: no log line is as regular as a Poisson process."""

    flood_ratio: float = 5.0
    """Times its mean above which a group's volume no longer explains the rate of one of its patterns."""

    silence_share: float = 0.9
    """Share of blocks that a group must have been heard in before its silence means anything."""

    silence_blocks: int = 24
    """Blocks that must have been seen before: two hours."""

    silence_mean: float = 20.0
    """Events a block that such a group logs at least on average."""

    silence_ratio: float = 0.4
    """Share of the group's second-smallest block below which it counts as silent."""

    silence_evidence: float = 1.5
    """-log10 of the tail probability that silence must reach."""

    gap_count: int = 12
    """Gaps seen before a pattern counts as periodic."""

    gap_least: int = 3
    """Periodic patterns of one group that must be overdue together."""

    rename_least: int = 2
    """Patterns of one group, a harmless one among them, that gain the same words before that is called a
    deployment."""

    join_most_min: int = 120
    """Minutes after which an incident is cut and goes on as a new one."""

    quiet_min: int = 30
    """Quiet minutes after which an incident resolves itself."""

    idle_min: int = 180
    """Minutes without any event after which time no longer counts as something learned."""

    late_min: int = 5
    """Minutes after which an incident says that it was detected late."""


DEFAULTS = Params()
"""The parameters in use."""
