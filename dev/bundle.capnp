@0xc4b6b1f5a7e93d21;
# The file that workerd reads Pyodide from: only what dev/bundle.py writes.
# The numbers are workerd's; a field keeps its number though the ones before it are not used here.

struct Bundle {
  modules @0 :List(Module);
}

struct Module {
  name @0 :Text;
  union {
    src @1 :Data;   # JavaScript
    wasm @4 :Data;
    data @5 :Data;
    json @6 :Text;
  }
  type @2 :Type;
  tsDeclaration @3 :Text;
  compileCache @7 :Data;
}

enum Type {
  bundle @0;
  builtin @1;
  internal @2;
}
