"""All that is wrong with a deployment's configuration, told before it is deployed."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import connectors
from dev.configuration import main, problems
from dev.staging import ROOT


CRONS = '[triggers]\ncrons = ["0 2 * * *", "0 * * * *"]\n'
NOTES = """
from msgspec.structs import replace
from durable import Bearer, BodyCursor, HttpSource, Mode, Secret
from tests.fakes.connector import NOTES

SOURCE = HttpSource(
    url="${NOTES_URL}/list",
    records="items",
    paging=BodyCursor(),
    auth=Bearer(Secret("NOTES_TOKEN")),
)
connector = replace(NOTES, documents=replace(NOTES.documents, source=SOURCE))
"""
FILE = "made_up_connectors/notes.py"


class Project:
    """A made-up one, right as long as nothing is written into it."""

    def __init__(self, root: Path, package: ModuleType) -> None:
        self.root = root
        self.package = package
        self.wrangler(f'{CRONS}[vars]\nNOTES_URL = "https://notes.example"\n')
        self.connector("notes", NOTES)

    def wrangler(self, text: str) -> None:
        (self.root / "wrangler.toml").write_text(text)

    def connector(self, module: str, text: str) -> None:
        (self.root / "connectors" / f"{module}.py").write_text(text)

    def dev_vars(self, text: str) -> None:
        (self.root / ".dev.vars").write_text(text)

    @property
    def errors(self) -> list[str]:
        return [problem.text for problem in problems(self.package, self.root) if problem.is_error]

    @property
    def warnings(self) -> list[str]:
        found = problems(self.package, self.root)
        return [problem.text for problem in found if not problem.is_error]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    folder = tmp_path / "connectors"
    folder.mkdir()
    package = ModuleType("made_up_connectors")
    package.__path__ = [str(folder)]
    sys.modules[package.__name__] = package
    yield Project(tmp_path, package)
    for name in [name for name in sys.modules if name.startswith(package.__name__)]:
        del sys.modules[name]


def test_a_project_that_is_right_has_no_faults(project: Project) -> None:
    assert (project.errors, project.warnings) == ([], [])


def test_this_project_has_no_errors() -> None:
    assert [problem for problem in problems(connectors, ROOT) if problem.is_error] == []


def test_every_fault_is_told_and_not_the_first_alone(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.connector("broken", "import not_there")
    project.connector("copied", NOTES)
    project.wrangler('[triggers]\ncrons = ["0 2 * * *", "daily"]\n')

    assert main(project.package, project.root) == 1

    *told, summary = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[:3] for line in told] == [
        ["error", "made_up_connectors/broken.py, line 1", "it cannot be imported"],
        ["error", FILE, "name"],
        ["error", FILE, "datasource"],
        ["error", "wrangler.toml", "crons in [triggers]"],
        ["error", "made_up_connectors/copied.py", "schedule"],
        ["error", FILE, "schedule"],
        ["warning", "made_up_connectors/copied.py", "source"],
        ["warning", FILE, "source"],
    ]
    assert summary == "Configuration: errors: 6, warnings: 2"


def test_warnings_alone_do_not_fail_the_check(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.wrangler(CRONS)

    assert main(project.package, project.root) == 0
    assert "Configuration: errors: 0, warnings: 1" in capsys.readouterr().out


def test_a_schedule_that_has_no_trigger_is_an_error(project: Project) -> None:
    project.wrangler('[triggers]\ncrons = ["0 2 * * *"]\n[vars]\nNOTES_URL = "https://a.example"')

    (told,) = project.errors

    assert told.startswith(f"{FILE}: schedule: '0 * * * *' is not among the crons in [triggers]")
    assert "add it there" in told


def test_a_trigger_that_begins_no_job_is_a_warning(project: Project) -> None:
    project.connector("notes", f"{NOTES}\nconnector = replace(connector, schedule={{}})")

    assert project.errors == []
    assert [told.partition(" stands")[0] for told in project.warnings] == [
        "wrangler.toml: crons in [triggers]: '0 2 * * *'",
        "wrangler.toml: crons in [triggers]: '0 * * * *'",
    ]


def test_of_a_connector_that_cannot_be_read_nobody_knows_the_triggers(project: Project) -> None:
    project.connector("notes", "import not_there")

    assert len(project.errors) == 1
    assert project.warnings == []


def test_a_trigger_that_is_no_cron_expression_is_an_error(project: Project) -> None:
    project.wrangler('[triggers]\ncrons = ["0 2 * * *", "0 * * * *", "0 25 * * *"]\n')

    (told,) = project.errors

    assert told.startswith("wrangler.toml: crons in [triggers]: '0 25 * * *' is not right: ")


@pytest.mark.parametrize("text", ["crons = [", '[triggers]\ncrons = "0 2 * * *"', "vars = 7"])
def test_a_wrangler_toml_that_cannot_be_read_is_an_error(project: Project, text: str) -> None:
    project.wrangler(text)

    (told,) = project.errors

    assert told.startswith("wrangler.toml: it cannot be read: ")


def test_a_variable_that_is_nowhere_is_a_warning(project: Project) -> None:
    project.wrangler(CRONS)

    (told,) = project.warnings

    assert told.startswith(f"{FILE}: source: the variable NOTES_URL is not in [vars] of wrangler")
    assert "npx wrangler secret put NOTES_URL" in told


def test_a_variable_may_stand_in_dev_vars(project: Project) -> None:
    project.wrangler(CRONS)
    project.dev_vars("NOTES_URL=https://notes.example\nNOTES_TOKEN=t")

    assert (project.errors, project.warnings) == ([], [])


def test_a_secret_that_dev_vars_lacks_is_a_warning(project: Project) -> None:
    project.dev_vars("OTHER=1")

    (told,) = project.warnings

    assert told.startswith(f"{FILE}: auth: the secret NOTES_TOKEN is not in .dev.vars")
    assert "add the line NOTES_TOKEN=..." in told


def test_where_wrangler_lists_the_secrets_each_name_has_to_be_there(project: Project) -> None:
    project.wrangler(f'{CRONS}[secrets]\nrequired = ["GLEAN_INSTANCE"]\n')

    secret, variable = project.errors

    assert secret.startswith(f"{FILE}: auth: the secret NOTES_TOKEN is not among those `required`")
    assert "npx wrangler secret put NOTES_TOKEN" in secret
    assert variable.startswith(f"{FILE}: source: the variable NOTES_URL is not in [vars]")
    project.wrangler(f'{CRONS}[secrets]\nrequired = ["NOTES_TOKEN", "NOTES_URL"]\n')
    assert (project.errors, project.warnings) == ([], [])


def test_a_secret_in_a_file_of_the_repository_is_an_error(project: Project) -> None:
    project.wrangler(f'{CRONS}[vars]\nNOTES_URL = "https://a.example"\nNOTES_TOKEN = "s3cret"')

    (told,) = project.errors

    assert told.startswith(f"wrangler.toml: [vars]: NOTES_TOKEN is a secret of {FILE}")
    assert "s3cret" not in told


def test_a_secret_in_the_place_of_its_name_is_an_error(project: Project) -> None:
    project.connector("notes", NOTES.replace("NOTES_TOKEN", "xoxb-123-s3cret"))

    (told,) = project.errors

    assert told.startswith(f"{FILE}: auth: 'xox'... is no name of a secret")
    assert "s3cret" not in told


def test_a_value_that_is_known_has_to_be_right(project: Project) -> None:
    project.wrangler(f'{CRONS}[vars]\nNOTES_URL = "notes.example"')

    (told,) = project.errors

    assert told.startswith(f"{FILE}: source: the URL 'notes.example/list' names no server")


@pytest.mark.parametrize("file", ["wrangler.toml: [vars]", ".dev.vars"])
def test_limits_have_to_be_right(project: Project, file: str) -> None:
    limits = """'{"sends_max": 0}'"""
    if file == ".dev.vars":
        project.dev_vars(f"LIMITS={limits}\nNOTES_TOKEN=t")
    else:
        project.wrangler(f'{CRONS}[vars]\nNOTES_URL = "https://a.example"\nLIMITS = {limits}')

    (told,) = project.errors

    assert told.startswith(f"{file}: the variable LIMITS is not right: ")


def test_a_dev_vars_that_cannot_be_read_is_an_error(project: Project) -> None:
    project.dev_vars("one\n\ntwo")

    lines = [told.partition(": ")[0] for told in project.errors]
    assert lines == [".dev.vars, line 1", ".dev.vars, line 3"]


def test_a_value_that_was_made_up_is_no_fault(project: Project) -> None:
    # Filled in, it names no server.
    project.connector("notes", NOTES.replace("${NOTES_URL}/list", "${NOTES_HOST}/list"))

    assert project.errors == []
    assert "the variable NOTES_HOST is not in [vars]" in project.warnings[0]


def test_a_clock_that_is_read_while_a_connector_is_imported_is_an_error(project: Project) -> None:
    project.connector("notes", f"import time\n\n{NOTES}\nBEGUN = time.time()\n")

    (error,) = project.errors

    assert error.startswith(f"{FILE}, line {NOTES.count(chr(10)) + 4}: time.time is called")


@pytest.mark.parametrize("name", ["JURISDICTION", "LOCATION_HINT", "DATASOURCE_SUFFIX"])
def test_a_place_or_suffix_that_is_none_is_an_error(project: Project, name: str) -> None:
    project.wrangler(f'{CRONS}[vars]\nNOTES_URL = "https://notes.example"\n{name} = "no-where"\n')

    (error,) = project.errors

    assert error.startswith(f"wrangler.toml: [vars]: the variable {name} is 'no-where'")


def test_an_environment_that_shares_what_is_real_is_an_error(project: Project) -> None:
    project.wrangler(
        f'{CRONS}[vars]\nNOTES_URL = "https://notes.example"\n[env.qa.triggers]\ncrons = []\n'
    )

    (error,) = project.errors

    assert error.startswith("wrangler.toml: [env.qa.vars]: DATASOURCE_SUFFIX is not set")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('JURISDICTION = "mars"', "the variable JURISDICTION is 'mars'"),
        ("LIMITS = '{\"no_limit\": 1}'", "the variable LIMITS is not right"),
        ("", "the variable DATASOURCE_SUFFIX is '-qa'"),
    ],
)
def test_the_values_of_an_environment_are_looked_at_too(
    project: Project, line: str, fault: str
) -> None:
    suffix = "" if line else "-"
    project.wrangler(
        f'{CRONS}[vars]\nNOTES_URL = "https://notes.example"\n[env.qa.triggers]\ncrons = []\n'
        f'[env.qa.vars]\nDATASOURCE_SUFFIX = "{suffix}qa"\n{line}\n'
    )

    (error,) = project.errors

    assert error.startswith(f"wrangler.toml: [env.qa.vars]: {fault}")


def test_a_trial_that_would_send_to_anothers_real_datasource_is_an_error(project: Project) -> None:
    other = NOTES + "connector = replace(connector, name='other', "
    project.connector("other", other + "datasource=replace(NOTES.datasource, name='NotesQA'))")
    project.wrangler(
        f'{CRONS}[vars]\nNOTES_URL = "https://notes.example"\n[env.qa.triggers]\ncrons = []\n'
        '[env.qa.vars]\nDATASOURCE_SUFFIX = "qa"\n'
    )

    (error,) = project.errors

    assert error.startswith("wrangler.toml: [env.qa.vars]: ")
    assert "'notesqa'" in error
    assert "other" in error
