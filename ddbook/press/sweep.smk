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
        config["marks"].values(),


# A mark is the only output: it is there if and only if its run has the key in its name. Snakemake deletes the outputs of a job
# before it starts and when it fails, and what a run has left before has to stay.
rule run:
    output:
        touch("fresh/{run}.{key}"),
    params:
        by_hand=by_hand,
        log=lambda wildcards: f"logs/{wildcards.run}.log",
    wildcard_constraints:
        run="[^/]+",
        key="[0-9a-f]{16}",
    threads: 1
    resources:
        gpu=gpu,
        mem_mb=lambda wildcards, attempt: attempt * NEEDS["mem_mb"], # more at each of Snakemake's --retries
        runtime=lambda wildcards, attempt: attempt * NEEDS["runtime"],
    shell:
        "{RUN} --out {wildcards.run:q} {params.by_hand} --force > {params.log:q} 2>&1"
