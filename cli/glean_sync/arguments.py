"""Arguments and options that several commands have."""

from enum import StrEnum
from typing import Annotated

import typer


class Mode(StrEnum):
    FULL = "FULL"
    INCREMENTAL = "INCREMENTAL"


ShownJob = Annotated[
    str,
    typer.Argument(metavar="JOB", help="A job's id; or a connector's name, for its latest job."),
]
ChangedJob = Annotated[str, typer.Argument(metavar="JOB", help="A job's id.")]
Connector = Annotated[str, typer.Argument(metavar="CONNECTOR", help="A connector's name.")]
Watch = Annotated[bool, typer.Option("--watch", help="Follow the job until it rests.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; agree to what is found.")]
