"""List the functions that branch much and densely: at least 15 branches, at more than one in two lines.

    python -m benchmarks.branches [FOLDER...]

A branch is an ``if``, ``elif`` or conditional expression, a loop, an ``except``, a ``case``, an ``assert``, each
further operand of ``and`` and ``or``, and each ``for`` and ``if`` of a comprehension. Lines count from ``def`` to the
end without the docstring; nested functions count for the outer one.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

MOST, DENSEST = 15, 0.5
_ONE = (ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.match_case, ast.Assert)


def branches(function: ast.AST) -> int:
    """How many branches a function has."""
    count = 0
    for node in ast.walk(function):
        if isinstance(node, _ONE):
            count += 1
        elif isinstance(node, ast.BoolOp):
            count += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            count += 1 + len(node.ifs)
    return count


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines it has without its docstring."""
    whole = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return whole
    first = function.body[0]
    return whole - ((first.end_lineno or first.lineno) - first.lineno + 1)


def dense(folder: Path) -> list[tuple[str, int, int]]:
    """Name, branches and lines of each function that is too dense, the worst first."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count, long = branches(node), lines(node)
                if count >= MOST and count > DENSEST * long:
                    found.append((f"{path}:{node.name}", count, long))
    return sorted(found, key=lambda one: -one[1] / one[2])


def main() -> int:
    folders = [Path(one) for one in sys.argv[1:]] or [Path("ocr"), Path("normalize"), Path("flows")]
    found = [one for folder in folders for one in dense(folder)]
    for name, count, long in found:
        print(f"{count:3} branches in {long:3} lines  {name}")
    print(f"{len(found)} functions of {MOST} and more branches at over {DENSEST} a line")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
