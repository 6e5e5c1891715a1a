"""Execute the code cells of a notebook under its smoke profile and say which functions of the project they really call.

Called as ``python called.py ROOT NOTEBOOK``, it prints a list of [file, first line, name], without what the loading of modules
calls, which reaches nobody by being called.
"""

import json
import sys
import threading
from pathlib import Path

import nbformat

from ddbook.press.parameters import resolve
from ddbook.press.profiles import read_profile


class Called:
    """The code objects of the project that were executed, but for those under the body of a module."""

    def __init__(self, root):
        self.rooms = tuple(f"{root / room}/" for room in ("ddlib", "ddbook"))
        self.codes, self.others, self.loading = set(), set(), 0

    def trace(self, frame, event, value):
        """Called at each start of a function; not asked for its lines, which would take long."""
        code = frame.f_code
        if code in self.others or code in self.codes:
            return None
        if not code.co_filename.startswith(self.rooms):
            self.others.add(code)
        elif code.co_name == "<module>":
            self.loading += 1
            frame.f_trace_lines = False
            return self.end
        elif not self.loading:
            self.codes.add(code)
        return None

    def end(self, frame, event, value):
        """Called at the end of a module."""
        self.loading -= event == "return"
        return self.end


def main(root, notebook):
    called, space = Called(root), {"__name__": "__main__"}
    parameters = resolve(notebook, read_profile(notebook.parent, "smoke").get(notebook.stem))
    said, sys.stdout = sys.stdout, sys.stderr
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "code":
            code = compile(cell.source, "<cell>", "exec")
            threading.settrace(called.trace)
            sys.settrace(called.trace)
            exec(code, space)
            sys.settrace(None)
            if "parameters" in cell.metadata.get("tags", []):
                space.update(parameters)
    paths = [(Path(code.co_filename).relative_to(root).as_posix(), code.co_firstlineno, code.co_name) for code in called.codes]
    json.dump(sorted(paths), said)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
