# From notebooks to the book: `make book`, or any form of `snakemake --config profile=paper`, on a cluster too.
# Every parameter of every chapter is checked here, before anything starts.
import shlex
import sys
from pathlib import Path

from ddbook.press.freshness import Today, marks

TODAY = Today(Path().resolve(), config.get("profile", "laptop"), config.get("given", {}))  # given: parameters by hand, per chapter
if "marks" not in config:  # `ddbook book` has done both
    TODAY.remember()
# A mark is there if and only if a chapter's run is fresh. Its name says the key, so nothing depends on times, and Snakemake's own
# records decide nothing.
MARKS = config.get("marks") or marks(TODAY)
HOME = f"_build/{TODAY.profile}"
DDBOOK = f"{shlex.quote(sys.executable)} -m ddbook"


def by_hand(wildcards):
    values = TODAY.given.get(wildcards.stem, {})
    return " ".join(shlex.join(["-p", f"{name}={value}"]) for name, value in values.items())


# Without an output it is made each time: render itself knows whether there is anything to do.
rule book:
    input:
        MARKS.values(),
    shell:
        "{DDBOOK} render --profile {TODAY.profile:q} 2>&1"


# All chapters of a profile, without a book.
rule runs:
    input:
        MARKS.values(),


# The mark is the only output: Snakemake deletes the outputs of a job before it starts and when it fails, and what a chapter has
# left before has to stay until its new run has finished.
rule run:
    output:
        touch(f"{HOME}/fresh/{{stem}}.{{key}}"),
    wildcard_constraints:
        stem="[^.]+",
        key="[0-9a-f]{16}",
    params:
        by_hand=by_hand,
        out=lambda wildcards: f"{HOME}/runs/{wildcards.stem}",
    threads: 1
    resources:
        gpu=lambda wildcards: int(str(TODAY.parameters[wildcards.stem].get("device", "cpu")).startswith("cuda")),
    shell:
        "{DDBOOK} run notebooks/{wildcards.stem}.ipynb --profile {TODAY.profile:q} --out {params.out:q} {params.by_hand} --force 2>&1"
