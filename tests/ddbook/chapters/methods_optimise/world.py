"""A small linear world that all tests of the chapter share."""

from functools import cache

from ddbook.chapters.methods_optimise import faithful, regret
from ddbook.chapters.methods_optimise.experiment import LinearWorld
from ddbook.chapters.methods_optimise.faithful import Probes

PROBES = Probes(snapshots=2, perturbations=(0.3,), draws=1)


@cache
def small(**changed):
    return LinearWorld(**{"replicates": 2, "steps": 4, "unrolled_steps": 2, "family_penalties": (1.0, 10.0, 100.0, 1e3), **changed})


@cache
def made(**changed):
    return small(**changed).run_all()


@cache
def measured(**changed):
    return faithful.compare(small(**changed), made(**changed), PROBES)


@cache
def regrets(**changed):
    return regret.table(small(**changed), made(**changed))


@cache
def tried(**changed):
    return regret.effort(small(**changed), made(**changed))
