# Many runs of one notebook: `ddbook sweep`. The configuration is the sweep's own sweep.json, where everything has been checked; the
# working directory is the sweep's folder, so that what Snakemake remembers of a sweep lies, and goes, with it.
import shlex
import sys

RUNS = config["runs"]
NEEDS = config["needs"]
PROFILE = ["--profile", config["profile"]] if config["profile"] else []
RUN = f"{shlex.quote(sys.executable)} -m ddbook run {shlex.join([config['path'], *PROFILE])}"


def by_hand(wildcards):
    values = {**config["set of -p"], **RUNS[wildcards.run]}
    return shlex.join(word for name, value in values.items() for word in ("-p", f"{name}={value}"))


def gpu(wildcards):
    device = RUNS[wildcards.run].get("device", config["device"])
    return 1 if str(device).startswith("cuda") else None  # None, not 0: some executors take the mere name for a request


rule sweep:
    input:
        expand("{run}/run.json", run=RUNS),


# run.json is the only output: Snakemake deletes the outputs of a job that failed, and the failed notebook has to stay.
rule run:
    input:
        "inputs.json", # code, notebook and common parameters: rewritten when one of them changes
    output:
        "{run}/run.json",
    log:
        "logs/{run}.log",
    params:
        by_hand=by_hand,
    wildcard_constraints:
        run="[^/]+",
    threads: 1
    resources:
        gpu=gpu,
        mem_mb=lambda wildcards, attempt: attempt * NEEDS["mem_mb"], # more at each of Snakemake's --retries
        runtime=lambda wildcards, attempt: attempt * NEEDS["runtime"],
    shell:
        "{RUN} --out {wildcards.run:q} {params.by_hand} --force > {log:q} 2>&1"
