"""Writes the map of the package into `bevseg/README.md`: every file with the first line of its docstring.

python tools/write_map.py            # writes
python tools/write_map.py --check    # exits with 1 if the map is not what would be written
"""

from __future__ import annotations

import argparse
import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "bevseg"
BEGIN, END = "<!-- map: written by tools/write_map.py -->", "<!-- end of map -->"


def map_of(package: Path) -> str:
    """One section for each folder, one line for each file."""
    sections = []
    for folder in sorted({path.parent for path in package.rglob("*.py")}):
        files = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
        name = folder.relative_to(package).as_posix()
        lines = [f"- [`{file.name}`]({file.relative_to(package).as_posix()}): {purpose_of(file)}" for file in files]
        heading = "The root: composes the stages" if name == "." else f"`{name}/`"
        about = [] if name == "." else [purpose_of(folder / "__init__.py"), ""]
        sections.append("\n".join([f"### {heading}", "", *about, *lines]))
    return "\n\n".join(sections)


def purpose_of(file: Path) -> str:
    """The first paragraph's first line of the docstring of a module."""
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    if docstring is None:
        raise ValueError(f"{file} needs a docstring that says in its first line what it is for")
    return docstring.partition("\n")[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    readme = PACKAGE / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    updated = f"{before}{BEGIN}\n\n{map_of(PACKAGE)}\n\n{END}{after}"
    if args.check:
        return int(updated != text)
    readme.write_text(updated, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
