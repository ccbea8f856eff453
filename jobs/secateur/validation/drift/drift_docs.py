"""What Data Docs say of drift: a table, or why there was nothing to compare with."""

from html import escape

from secateur.contracts.data import ColumnDrift, ValidationReport

HEAD = ("Column", "Formula", "Bins", "Rows tonight", "Rows then", "Distance", "Limit", "Outcome")
WITHIN = '<span class="text-success">\N{CHECK MARK} within</span>'
EXCEEDED = '<span class="text-danger">\N{BALLOT X} exceeded</span>'
NOT_COMPARED = '<span class="text-warning">\N{WARNING SIGN} not compared</span>: '


def section(report: ValidationReport) -> str:
    """The HTML section; nothing where no column is watched."""
    if report.bootstrap:
        return (
            f'<h2>drift</h2>\n<p class="notice"><b>Bootstrap:</b> {escape(report.bootstrap)}.</p>\n'
        )
    return _table(report.drift) if report.drift else ""


def _table(columns: tuple[ColumnDrift, ...]) -> str:
    then = columns[0]
    lead = (
        f"Distances from the last accepted night before this one, which ended on "
        f"{then.reference_day} (<code>{then.reference[:12]}</code>)."
    )
    head = "".join(f"<th>{escape(title)}</th>" for title in HEAD)
    rows = "".join(f"<tr>{_cells(one)}</tr>\n" for one in columns)
    return f"<h2>drift</h2>\n<p>{lead}</p>\n<table>\n<tr>{head}</tr>\n{rows}</table>\n"


def _cells(one: ColumnDrift) -> str:
    texts = (
        one.column,
        one.formula,
        str(one.bins),
        f"{one.rows:,}",
        f"{one.reference_rows:,}",
        "" if one.distance is None else f"{one.distance:.4f}",
        f"{one.limit:g}",
    )
    if one.distance is None:
        outcome = NOT_COMPARED + escape(one.not_compared)
    else:
        outcome = EXCEEDED if one.distance > one.limit else WITHIN
    return "".join(f"<td>{cell}</td>" for cell in (*map(escape, texts), outcome))
