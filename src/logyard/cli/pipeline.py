"""``logyard pipeline``: test a pipeline, see what it makes of a sample, list and print those that are ready to use."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, cast

import typer

from logyard.cli.options import DEFAULT_URL, TableOption, TableOutput, application
from logyard.cli.output import write
from logyard.cli.pipeline_preview import Preview, preview_text
from logyard.cli.pipeline_sample import of_file, of_server
from logyard.cli.terminal import without_controls, write_json
from logyard.config import settings
from logyard.errors import BadConfig
from logyard.pipeline.chain import Chain
from logyard.pipeline.included import pipeline_file, shipped_names, shipped_text
from logyard.pipeline.proving import Proven, proofs, prove

__all__ = ["app"]

Tables = Sequence[Mapping[str, object]]
_STDIN: Final = "-"

PipelineArgument = Annotated[
    str,
    typer.Argument(
        metavar="PIPELINE",
        help="A configuration or a file of [[pipeline]] tables; or the name of a shipped pipeline.",
    ),
]

app = application()


@app.callback()
def pipeline() -> None:
    """Test a pipeline, see what it makes of a sample, list and print those that are ready to use."""


@app.command(name="test", short_help="run the tests that a pipeline's file holds")
def run_tests(name: PipelineArgument, *, output: TableOption = TableOutput.TEXT) -> None:
    """Run the [[tests]] of a configuration or a pipeline file; exits with 1 when one fails, and says what differs.

    \b
    [[tests]]
    name = "a failed job is an error"
    source = "/logs/job-execution.log"
    input = ['2026-01-01 00:00:00,000 - {"job_id":"j1","status":"failed"}']
    output = [{ level = "ERROR", log_category = "job" }]

    An input is a line of the file SOURCE, or a table, which is a record. Of an output only the fields that are named
    are compared, "" means that there is no such field; `exact = true` compares all.
    """  # noqa: D301 - \b keeps the lines of the example apart
    tree = _tree(name)
    found = [prove(cast("Tables", tree["pipeline"]), proof) for proof in proofs(tree.get("tests", []))]
    if not found:
        raise BadConfig(f"{name} holds no [[tests]]", path="tests")
    failed = [each for each in found if each.wrong]
    if output is TableOutput.JSON:
        write_json([{"name": each.name, "passed": not each.wrong, "differences": each.wrong} for each in found])
    else:
        write("".join(map(_shown, found)))
        sys.stderr.write(f"{len(found) - len(failed)} passed, {len(failed)} failed\n")
    if failed:
        raise typer.Exit(1)


@app.command(short_help="show what a pipeline makes of a sample")
def preview(
    name: PipelineArgument,
    sample: Annotated[
        str, typer.Argument(metavar="FILE", help="Lines, plain or JSON; - is stdin.", show_default=False)
    ] = "",
    *,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, metavar="N", help="At most N records.")] = 10,
    query: Annotated[
        str, typer.Option("--query", metavar="LOGSQL", help="Instead of a file: records of a running Logyard.")
    ] = "",
    source: Annotated[
        str, typer.Option("--source", metavar="PATH", help="The source of the lines; by default the file.")
    ] = "",
    url: Annotated[
        str, typer.Option("--url", envvar="LOGYARD_URL", metavar="URL", help="Address of the server.")
    ] = DEFAULT_URL,
    output: TableOption = TableOutput.TEXT,
) -> None:
    """Show records before and after a pipeline, field by field, and what it does to their number and size.

    \b
    logyard pipeline preview sidecar /logs/access.log
    tail -100 app.log | logyard pipeline preview mine.toml -
    logyard pipeline preview mine.toml --query 'service:checkout'
    """  # noqa: D301 - \b keeps the lines of the examples apart
    if bool(sample) == bool(query):
        raise typer.BadParameter("name a file, - for stdin, or give --query", param_hint="FILE")
    chain = Chain.of(cast("Tables", _tree(name)["pipeline"]))
    records = of_server(url, query, limit) if query else of_file(sample, source or sample, limit)
    shown = Preview.of(chain, records)
    if output is TableOutput.JSON:
        write_json(shown.plain())
        return
    write(without_controls(preview_text(shown)))


@app.command(name="list", short_help="list what is ready to use")
def list_() -> None:
    """List the pipelines and the rules that come with Logyard; 'logyard pipeline show NAME' prints one."""
    names = shipped_names()
    width = max(map(len, names))
    write("".join(f"{name:<{width}}  {_about(shipped_text(name))}\n" for name in names))


@app.command(short_help="print a shipped pipeline, to change it")
def show(name: Annotated[str, typer.Argument(metavar="NAME", help="As 'logyard pipeline list' has it.")]) -> None:
    """Print a pipeline, or a file of rules, that comes with Logyard.

    Save it, change it, and name its file: [[pipeline]] include = "FILE", or rules = "FILE" in the step tag.
    """
    write(shipped_text(name))


def _tree(name: str) -> Mapping[str, object]:
    """``pipeline`` and ``tests`` of a shipped pipeline, of a file of these, or of a configuration."""
    if name in shipped_names():
        return pipeline_file(name)
    tree = settings(Path(name))
    if not tree.get("pipeline"):
        raise BadConfig(f"{name} holds no [[pipeline]]", path="pipeline")
    return tree


def _about(text: str) -> str:
    """Its first line."""
    return text.partition("\n")[0].strip("# ")


def _shown(proven: Proven) -> str:
    if not proven.wrong:
        return f"ok    {proven.name}\n"
    return f"FAIL  {proven.name}\n" + "".join(f"      {without_controls(line)}\n" for line in proven.wrong)
