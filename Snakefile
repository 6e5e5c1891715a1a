# From notebooks to the book. Called by `ddlib book` (make book), which checks every parameter first and writes the configuration:
# profile, the resolved parameters of each chapter, and those that were given by hand.
import shlex
import sys
from pathlib import Path

PROFILE = config["profile"]
HOME = f"_build/{PROFILE}"
CHAPTERS = sorted(config["parameters"])
DDLIB = f"{shlex.quote(sys.executable)} -m ddlib.study.cli"
PAGES = {"book.py", "pages.py", "sitecheck.py", "stage.py"}  # they make the book, and no chapter depends on them
SOURCES = sorted(str(path) for path in Path("ddlib").rglob("*.py"))


def by_hand(wildcards):
    values = config["given"].get(wildcards.stem, {})
    return " ".join(shlex.join(["-p", f"{name}={value}"]) for name, value in values.items())


rule book:
    input:
        expand(f"{HOME}/runs/{{stem}}/run.json", stem=CHAPTERS),
        [str(path) for path in Path("book").rglob("*") if path.is_file() and "__pycache__" not in path.parts],
        [str(path) for path in Path("notebooks/profiles").glob("*.yml")],
        SOURCES,
        "_config.yml",
    output:
        f"{HOME}/html/index.html",
    shell:
        "{DDLIB} render --profile {PROFILE}"


# run.json is the only output: Snakemake deletes the declared outputs of a job that failed, and the failed notebook must stay.
rule run:
    input:
        notebook="notebooks/{stem}.ipynb",
        sources=[path for path in SOURCES if Path(path).name not in PAGES],
    output:
        f"{HOME}/runs/{{stem}}/run.json",
    params:
        by_hand=by_hand,
        resolved=lambda wildcards: repr(sorted(config["parameters"][wildcards.stem].items())),  # a change reruns the chapter
    threads: 1
    resources:
        gpu=lambda wildcards: int(str(config["parameters"][wildcards.stem].get("device", "cpu")).startswith("cuda")),
    shell:
        "{DDLIB} run {input.notebook} --profile {PROFILE} --out {HOME}/runs/{wildcards.stem} {params.by_hand} --force"
