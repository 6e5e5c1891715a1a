"""Colours and layout of the page: for light and dark screens, telephones and paper."""

from __future__ import annotations

LIGHT = {
    "text": "#1b1f24",
    "faint": "#57606a",
    "back": "#ffffff",
    "ground": "#f3f5f7",
    "edge": "#8c959f",
    "grid": "#dfe3e8",
    "band": "#cfe3f3",
    "fitted": "#1b1f24",
    "good": "#117733",
    "convention": "#8250a8",
    "ask": "#0069a8",
    "warn": "#fff4e0",
    "grave": "#b45f00",
    "link": "#0069a8",
    "h0": "#0072b2",
    "h1": "#c44e00",
    "h2": "#117733",
    "h3": "#aa3f8f",
    "h4": "#332288",
    "h5": "#7d6a00",
    "h6": "#882255",
    "h7": "#4a5560",
    "rest": "#6e7781",
}
"""Colours by their uses; h0 to h7 are hospitals, told apart by the colour-blind through their marks."""
DARK = {
    "text": "#e6edf3",
    "faint": "#9ba6b2",
    "back": "#0d1117",
    "ground": "#181e26",
    "edge": "#6e7781",
    "grid": "#2a313a",
    "band": "#1d3a52",
    "fitted": "#e6edf3",
    "good": "#4fc47a",
    "convention": "#c39be6",
    "ask": "#62b5f0",
    "warn": "#2f2412",
    "grave": "#e69f00",
    "link": "#62b5f0",
    "h0": "#56b4e9",
    "h1": "#f0904a",
    "h2": "#4fc48a",
    "h3": "#e78ac8",
    "h4": "#a99cff",
    "h5": "#dccb5f",
    "h6": "#ff8fa8",
    "h7": "#c3ccd6",
    "rest": "#97a1ac",
}
"""The same in the dark."""
SHADES = 5
"""Shades of a field of the coverage, by the share of the largest number."""

_RULES = """
* { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; }
body {
  font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 72rem; margin: 0 auto;
  padding: 1rem; overflow-wrap: anywhere;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0.5rem 0; } h2 { font-size: 1.3rem; margin: 2.6rem 0 0.4rem; }
h3 { font-size: 1rem; margin: 0 0 0.3rem; } p, figcaption { max-width: 46rem; } p { margin: 0.5rem 0; }
.boxes { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)); gap: 1rem; margin: 1rem 0; }
.boxes section { background: var(--ground); border-top: 4px solid var(--edge); border-radius: 4px; padding: 0.7rem 1rem; }
.boxes h2 { font-size: 1.05rem; margin: 0 0 0.3rem; } .boxes ul { margin: 0; padding-left: 1.1rem; } .boxes li { margin: 0.3rem 0; }
.boxes .good { border-color: var(--good); } .boxes .convention { border-color: var(--convention); }
.boxes .ask { border-color: var(--ask); }
.inference { font-weight: 700; border-left: 4px solid var(--grave); padding: 0.1rem 0 0.1rem 0.9rem; margin: 1.2rem 0; }
.warnings { list-style: none; padding: 0; max-width: 56rem; }
.warnings li { border-left: 4px solid var(--edge); background: var(--ground); padding: 0.4rem 0.8rem; margin: 0.4rem 0; }
.warnings li.grave { background: var(--warn); border-color: var(--grave); }
.frame { overflow-x: auto; } .frame:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; margin: 0.4rem 0; overflow-wrap: normal; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--grid); text-align: right; white-space: nowrap; }
th { font-weight: 600; }
thead th { white-space: normal; vertical-align: bottom; border-bottom: 2px solid var(--edge); max-width: 9rem; }
th bdi { overflow-wrap: anywhere; } thead th bdi { display: inline-block; min-width: 4.5rem; }
tbody th { text-align: left; white-space: normal; max-width: 15rem; font-weight: 400; }
thead th:first-child { text-align: left; } tbody th, thead th:first-child { position: sticky; left: 0; background: var(--back); }
.coverage td { text-align: center; border: 2px solid var(--back); min-width: 3rem; padding: 0.25rem 0.3rem; }
.coverage thead th { padding: 0.25rem 0.3rem; } .coverage thead bdi { min-width: 3.6rem; }
.coverage thead th:not(:first-child) { text-align: center; }
.coverage td:empty { background: var(--ground); }
figure { margin: 0.8rem 0; } figcaption { font-size: 0.9rem; color: var(--faint); } figcaption b { color: var(--text); }
.panels, .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); gap: 0.5rem 1.2rem; }
.panels figure { margin: 0.4rem 0; min-width: 0; } .panels .broad { grid-column: 1 / -1; }
.cards { grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); gap: 1rem; }
.card { background: var(--ground); border-radius: 4px; padding: 0.7rem 1rem; } .card p { font-size: 0.9rem; margin: 0.3rem 0 0; }
.state { font-weight: 400; font-size: 0.85rem; color: var(--good); white-space: nowrap; } .without .state { color: var(--faint); }
.key { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; font-size: 0.9rem; }
.swatch { width: 16px; height: 16px; vertical-align: -3px; margin-right: 0.3rem; }
details { margin: 0.6rem 0; } summary { cursor: pointer; color: var(--link); }
svg { display: block; width: 100%; height: auto; } .key svg { display: inline-block; width: 16px; }
svg text { font: 12px system-ui, sans-serif; fill: var(--text); unicode-bidi: isolate; }
svg .axis, svg .faint { fill: var(--faint); font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--grid); } svg .edge { stroke: var(--edge); } svg .zero { stroke: var(--edge); stroke-dasharray: 3 3; }
svg .ground { fill: var(--back); } svg .band { fill: var(--band); }
svg .bounds { fill: var(--convention); fill-opacity: 0.4; stroke: var(--convention); }
svg .fitted { fill: none; stroke: var(--fitted); stroke-width: 2; } svg .thin { stroke-width: 1.2; }
svg .own { fill: none; stroke-width: 1; stroke-opacity: 0.7; } svg .strong { stroke-width: 2; stroke-opacity: 1; }
svg .mark { stroke: var(--back); stroke-width: 0.7; } svg .mark.open { fill: none; stroke-width: 1.8; }
svg .whisker { stroke-width: 1.2; } svg .value { fill: var(--text); } .unused { opacity: 0.55; }
"""
_PAPER = """
@media print {
  html { font-size: 10pt; } body { max-width: none; padding: 0; } summary { display: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  details::details-content { content-visibility: visible; display: block; height: auto; }
  .frame { overflow: visible; } table { font-size: 8pt; }
  th, td, th bdi { white-space: normal; overflow-wrap: anywhere; padding: 0.1rem 0.3rem; min-width: 0 !important; }
  tbody th, thead th:first-child { position: static; } .broad svg { width: 100% !important; }
  figure, .card, .boxes section, .warnings li, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .panels, .cards { grid-template-columns: 1fr 1fr; } .boxes { grid-template-columns: 1fr 1fr 1fr; }
}
"""


def _variables(colours: dict[str, str]) -> str:
    return ":root { " + " ".join(f"--{use}: {colour};" for use, colour in colours.items()) + " }"


def _hospitals() -> str:
    names = [use for use in LIGHT if use == "rest" or (use[0] == "h" and use[1:].isdigit())]
    rules = [
        f"svg .{use}.mark:not(.open) {{ fill: var(--{use}); }} svg .{use}.open, svg .{use}.own, svg .{use}.whisker "
        f"{{ stroke: var(--{use}); }}"
        for use in names
    ]
    return "\n".join(rules)


def _shades() -> str:
    """Fields of the coverage: the more patients, the deeper, and always under a text that can be read."""
    return "\n".join(
        f".s{i} {{ background: color-mix(in srgb, var(--band) {20 + 80 * i // SHADES}%, var(--back)); }}"
        for i in range(1, SHADES + 1)
    )


STYLE = "\n".join(
    [
        _variables(LIGHT),
        f"@media screen and (prefers-color-scheme: dark) {{ {_variables(DARK)} }}",
        _RULES,
        _hospitals(),
        _shades(),
        _PAPER,
    ]
)
"""The style sheet."""
