# From notebooks to the book: `make book`, or any form of `snakemake --config profile=paper`, on a cluster too.
# Every parameter of every chapter is checked here, before anything starts.
import shlex
import sys
from pathlib import Path

from ddbook.press.profiles import plan
from ddbook.press.project import visible
from ddbook.press.provenance import code_files, run_sources

PROFILE = config.get("profile", "laptop")
GIVEN = config.get("given", {})  # parameters by hand, per chapter
PARAMETERS = plan(Path("notebooks"), PROFILE, GIVEN)
HOME = f"_build/{PROFILE}"
DDLIB = f"{shlex.quote(sys.executable)} -m ddbook"


def by_hand(wildcards):
    values = GIVEN.get(wildcards.stem, {})
    return " ".join(shlex.join(["-p", f"{name}={value}"]) for name, value in values.items())


def drawn_under(wildcards):
    """The reference, which figures show; not for the runs of which it is made."""
    record = Path(f"reference/{wildcards.stem}/run.json")
    return [record] if PROFILE != "paper" and record.exists() else []


# The output is a mark beside the pages, not a page: Snakemake deletes the outputs of a job before it starts, and a book that was
# published before has to stay whole if the new one cannot be built.
rule book:
    input:
        expand(f"{HOME}/runs/{{stem}}/run.json", stem=sorted(PARAMETERS)),
        visible(Path("book").rglob("*"), Path()),
        visible(Path("notebooks/profiles").glob("*.yml"), Path()),
        sorted([*Path("reference").glob("*/run.json"), *Path("reference").glob("repeat.json")]),
        code_files(Path()),
        "_config.yml",
    output:
        touch(f"{HOME}/html/.finished"),
    shell:
        "{DDLIB} render --profile {PROFILE:q} 2>&1"


# All chapters of a profile, without a book.
rule runs:
    input:
        expand(f"{HOME}/runs/{{stem}}/run.json", stem=sorted(PARAMETERS)),


# run.json is the only output: Snakemake deletes the outputs of a job that failed, and the failed notebook has to stay.
rule run:
    input:
        notebook="notebooks/{stem}.ipynb",
        sources=run_sources(Path()),
        reference=drawn_under,
    output:
        f"{HOME}/runs/{{stem}}/run.json",
    params:
        by_hand=by_hand,
        resolved=lambda wildcards: repr(sorted(PARAMETERS[wildcards.stem].items())),  # a change reruns the chapter
    threads: 1
    resources:
        gpu=lambda wildcards: int(str(PARAMETERS[wildcards.stem].get("device", "cpu")).startswith("cuda")),
    shell:
        "{DDLIB} run {input.notebook:q} --profile {PROFILE} --out {HOME}/runs/{wildcards.stem} {params.by_hand} --force 2>&1"
