"""The Worker in workerd alone, with what wrangler would give it and without wrangler.

wrangler takes two seconds of CPU for each start, and has a second workerd in front of the Worker.
Its bundling and its own ways are tried by those tests that do start it.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dev.staging import ROOT, deployed_files


CONFIG = "config.capnp"
OBJECTS = "state/v3/do"  # where wrangler has them
TEXTS = frozenset({".css", ".html", ".js", ".sql", ".svg"})
UNREAD = frozenset({".pyc", ".pyi", ".typed"})
VENDORED = "python_modules"
# Takes what wrangler takes at /cdn-cgi/local/scheduled, and passes on all else.
FRONT = """
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname !== "/cdn-cgi/local/scheduled") return env.WORKER.fetch(request);
    const time = new Date(parseInt(url.searchParams.get("time")));
    const tick = { cron: url.searchParams.get("cron"), scheduledTime: time };
    return Response.json(await env.WORKER.scheduled(tick));
  },
};
"""
DATASET = "export default () => ({ writeDataPoint() {} });"
TEMPLATE = """\
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  sockets = [(name = "front", address = {address}, http = (), service = "front")],
  services = [
    (name = "worker", worker = (
      modules = [
        {modules},
      ],
      bindings = [
        {bindings},
      ],
      compatibilityDate = {date},
      compatibilityFlags = [{flags}],
      durableObjectNamespaces = [{namespaces}],
      durableObjectStorage = (localDisk = "objects"),
    )),
    (name = "front", worker = (
      modules = [(name = "front.js", esModule = {front})],
      bindings = [(name = "WORKER", service = "worker")],
      compatibilityDate = {date},
      compatibilityFlags = ["service_binding_extra_handlers"],
    )),
    (name = "objects", disk = (path = {objects}, writable = true)),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  extensions = [(modules = [(name = "local:dataset", internal = true, esModule = {dataset})])],
);
"""


def write(
    folder: Path, address: str, settings: Mapping[str, Any], variables: Sequence[str]
) -> list[str]:
    """Write the configuration into the runtime's folder. Returns the command, to be run there.

    Args:
        folder: has `build` and `python_modules`, as wrangler bundles them.
        address: to listen on.
        settings: as wrangler takes them.
        variables: the names of those that the Worker gets from the environment.
    """
    (folder / OBJECTS).mkdir(parents=True, exist_ok=True)
    text = TEMPLATE.format(
        address=_quoted(address),
        modules=_rows(_modules(folder, settings["main"])),
        bindings=_rows(_bindings(settings, variables)),
        date=_quoted(settings["compatibility_date"]),
        flags=", ".join(map(_quoted, settings["compatibility_flags"])),
        namespaces=", ".join(_namespaces(settings)),
        front=_quoted(FRONT),
        objects=_quoted(str(folder / OBJECTS)),
        dataset=_quoted(DATASET),
    )
    (folder / CONFIG).write_text(text, encoding="utf-8")
    return [str(ROOT / "dev/workerd"), "serve", "--experimental", CONFIG]


def _modules(folder: Path, entry: str) -> Iterator[str]:
    """The entry first: that is how workerd knows it."""
    main, build = folder / entry, folder / "build"
    yield _module(main.name, "pythonModule", entry)
    for file in deployed_files(build):
        name = str(file.relative_to(build))
        if file != main and (file.suffix == ".py" or file.suffix in TEXTS):
            kind = "pythonModule" if file.suffix == ".py" else "text"
            yield _module(name, kind, f"build/{name}")
    vendored = folder / VENDORED
    for file in deployed_files(vendored):
        if file.suffix not in UNREAD:
            name = f"{VENDORED}/{file.relative_to(vendored)}"
            yield _module(name, "esModule" if file.suffix == ".js" else "data", name)


def _module(name: str, kind: str, file: str) -> str:
    return f"(name = {_quoted(name)}, {kind} = embed {_quoted(file)})"


def _bindings(settings: Mapping[str, Any], variables: Sequence[str]) -> Iterator[str]:
    for name in variables:  # their values are in no file
        yield f"(name = {_quoted(name)}, fromEnvironment = {_quoted(name)})"
    for each in settings["durable_objects"]["bindings"]:
        name, class_name = _quoted(each["name"]), _quoted(each["class_name"])
        yield f"(name = {name}, durableObjectNamespace = {class_name})"
    for each in settings.get("analytics_engine_datasets", ()):
        yield f'(name = {_quoted(each["binding"])}, wrapped = (moduleName = "local:dataset"))'
    metadata = _quoted('{"id": "local", "tag": "", "timestamp": ""}')
    yield f"(name = {_quoted(settings['version_metadata']['binding'])}, json = {metadata})"


def _namespaces(settings: Mapping[str, Any]) -> Iterator[str]:
    for each in settings["durable_objects"]["bindings"]:
        name, key = each["class_name"], f"{settings['name']}-{each['class_name']}"
        yield f"(className = {_quoted(name)}, uniqueKey = {_quoted(key)}, enableSql = true)"


def _rows(rows: Iterator[str]) -> str:
    return ",\n        ".join(rows)


def _quoted(text: str) -> str:
    """As Cap'n Proto has texts, which is nearly as JSON has them."""
    return msgspec.json.encode(text).decode()
