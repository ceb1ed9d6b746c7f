from pathlib import Path

import capnp  # type: ignore[import-untyped]
import pytest

from dev.bundle import ADAPTATIONS, SCHEMA, adapt, bundle


# What is adapted in Pyodide's script, each place once, in the same order as ADAPTATIONS.
PLACES = (
    "var module=new WebAssembly.Module(bytes);",
    "await WebAssembly.instantiate(binary,info);",
    "var now=Date.now();",
    "return view=>crypto.getRandomValues(view);",
    'function loadLibData(){if(handle){return readBinary("a")}}function getExports(){return 1}',
    "var base=alignMemory(getMemory(metadata.memorySize+memAlign),memAlign);",
    "export default _createPyodideModule;\n",
)
SCRIPT = "".join(PLACES)


def test_what_an_isolate_refuses_comes_from_workerds_module() -> None:
    adapted = adapt(SCRIPT)

    assert adapted.startswith("import{addEventListener,getRandomValues,location,")
    assert 'from"pyodide-internal:builtin_wrappers";var module=newWasmModule(bytes);' in adapted
    assert "await wasmInstantiate(binary,info);" in adapted
    assert "var now=monotonicDateNow();" in adapted
    assert "return view=>getRandomValues(Module,view);" in adapted
    assert (
        "alignMemory(Module.getMemoryPatched(Module,libName,metadata.memorySize+memAlign)"
        in adapted
    )
    assert adapted.endswith("export{_createPyodideModule};\n")


def test_a_library_is_read_by_workerd_and_the_rest_of_the_script_stays() -> None:
    adapted = adapt(SCRIPT)

    assert "patchedLoadLibData(Module,libName,flags.rpath)" in adapted
    assert "readBinary" not in adapted
    assert "function getExports(){return 1}" in adapted


def test_streaming_instantiation_is_not_mistaken_for_instantiation() -> None:
    streaming = "await WebAssembly.instantiateStreaming(response,imports);"

    assert streaming in adapt(streaming + SCRIPT)


@pytest.mark.parametrize("index", range(len(PLACES)))
def test_a_place_that_is_missing_is_named(index: int) -> None:
    script = "".join(PLACES[:index] + PLACES[index + 1 :])

    with pytest.raises(LookupError, match=f"{ADAPTATIONS[index].what} .*, found it 0 times"):
        adapt(script)


@pytest.mark.parametrize("index", [3, 4, 5, 6])
def test_a_place_that_may_be_there_only_once_is_refused_twice(index: int) -> None:
    with pytest.raises(LookupError, match=f"{ADAPTATIONS[index].what} once, found it 2 times"):
        adapt(SCRIPT + PLACES[index])


def test_the_bundle_holds_pyodides_three_files_as_internal_modules(tmp_path: Path) -> None:
    (tmp_path / "pyodide.asm.mjs").write_text(SCRIPT)
    (tmp_path / "pyodide.asm.wasm").write_bytes(b"wasm")
    (tmp_path / "python_stdlib.zip").write_bytes(b"zip")

    encoded = bundle(tmp_path)

    with capnp.load(str(SCHEMA)).Bundle.from_bytes(encoded) as message:
        found = [
            (str(m.name), str(m.which()), bytes(getattr(m, m.which()))) for m in message.modules
        ]
        assert {str(module.type) for module in message.modules} == {"internal"}
    assert found == [
        ("pyodideRuntime-internal:pyodide.asm", "src", adapt(SCRIPT).encode()),
        ("pyodideRuntime-internal:pyodide.asm.wasm", "wasm", b"wasm"),
        ("pyodideRuntime-internal:python_stdlib.zip", "data", b"zip"),
    ]
