"""Pyodide from the npm package, in the form that workerd loads it.

workerd downloads its Pyodide on first use. For local runs it is made here instead, from the
package of the same version, so that the package registries are all the internet that is needed:
`python -m dev.bundle PYODIDE_FOLDER FILE`.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

import capnp  # type: ignore[import-untyped]


SCHEMA = Path(__file__).with_name("bundle.capnp")
NAMESPACE = "pyodideRuntime-internal:"
# workerd's module of what Pyodide's JavaScript may not do inside an isolate.
WRAPPERS = "pyodide-internal:builtin_wrappers"
WRAPPED = (
    "addEventListener",
    "getRandomValues",
    "location",
    "monotonicDateNow",
    "newWasmModule",
    "patchedLoadLibData",
    "wasmInstantiate",
)


class Adaptation(NamedTuple):
    """A place in Pyodide's JavaScript and what stands there for workerd.

    `is_single` where a second match would mean that the place is not the one meant.
    """

    what: str
    place: str
    replacement: str
    is_single: bool = True


ADAPTATIONS = (
    Adaptation(
        "the compilation of WebAssembly",
        r"\bnew WebAssembly\.Module\(",
        "newWasmModule(",
        is_single=False,
    ),
    Adaptation(
        "the instantiation of WebAssembly",
        r"\bWebAssembly\.instantiate\(",
        "wasmInstantiate(",
        is_single=False,
    ),
    Adaptation("the clock", r"\bDate\.now\(\)", "monotonicDateNow()", is_single=False),
    Adaptation(
        "the source of randomness",
        r"\bcrypto\.getRandomValues\((\w+)\)",
        r"getRandomValues(Module,\1)",
    ),
    Adaptation(
        "the reading of a library",
        r"\bfunction loadLibData\(\)\{.*?\}(?=function getExports\(\)\{)",
        "function loadLibData(){"
        "const data=patchedLoadLibData(Module,libName,flags.rpath);"
        "return flags.loadAsync?Promise.resolve(data):data}",
    ),
    Adaptation(
        "the memory of a library",
        r"\bgetMemory\((metadata\.memorySize\b[^()]*)\)",
        r"Module.getMemoryPatched(Module,libName,\1)",
    ),
    Adaptation(
        "the export",
        r"\bexport default _createPyodideModule;",
        "export{_createPyodideModule};",
    ),
)


def adapt(script: str) -> str:
    """Pyodide's `pyodide.asm.mjs` as workerd can run it.

    Raises:
        LookupError: a place to adapt is not there, or is there twice: another version of Pyodide.
    """
    for what, place, replacement, is_single in ADAPTATIONS:
        script, count = re.subn(place, replacement, script, flags=re.DOTALL)
        if count == 0 or (is_single and count > 1):
            raise LookupError(
                f"pyodide.asm.mjs: expected {what} {'once' if is_single else 'at least once'}, "
                f"found it {count} times ({place}); adapt dev/bundle.py to this Pyodide"
            )
    return f'import{{{",".join(WRAPPED)}}}from"{WRAPPERS}";{script}'


def bundle(pyodide: Path) -> bytes:
    """The bundle made of the files in the npm package's folder."""
    script = adapt((pyodide / "pyodide.asm.mjs").read_text(encoding="utf-8"))
    contents = (
        ("pyodide.asm", "src", script.encode()),
        ("pyodide.asm.wasm", "wasm", (pyodide / "pyodide.asm.wasm").read_bytes()),
        ("python_stdlib.zip", "data", (pyodide / "python_stdlib.zip").read_bytes()),
    )
    message = capnp.load(str(SCHEMA)).Bundle.new_message()
    for module, (name, kind, content) in zip(message.init("modules", 3), contents, strict=True):
        module.name = NAMESPACE + name
        module.type = "internal"
        setattr(module, kind, content)
    encoded: bytes = message.to_bytes()
    return encoded


def main() -> int:
    pyodide, target = map(Path, sys.argv[1:])
    target.write_bytes(bundle(pyodide))
    return 0


if __name__ == "__main__":
    sys.exit(main())
