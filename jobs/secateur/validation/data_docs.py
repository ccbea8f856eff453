"""Data Docs that need no network and are the same bytes at every run."""

import re
from collections.abc import Iterable
from html import escape
from importlib.resources import files

from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaSectionView

from secateur.contracts.data import ValidationReport
from secateur.validation.drift import drift_docs

_LINKS = re.compile(r"<a href=\"\.\./[^>]*>(.*?)</a>")
_EPOCH = "1970-01-01T00:00:00+00:00"


class _Sections(DefaultJinjaSectionView):  # type: ignore[misc]
    """The library's own rendering of a section, its element names counted instead of random."""

    def __init__(self) -> None:
        super().__init__()
        self._elements = 0

    def generate_html_element_uuid(self, prefix: str | None = None) -> str:
        """Name the next element of the page."""
        self._elements += 1
        return f"{prefix or ''}{self._elements}"


def page(
    title: str, report: ValidationReport, results: Iterable[ExpectationSuiteValidationResult]
) -> str:
    """One self-contained HTML page: the drift, and all results as Data Docs render them."""
    view = _Sections()
    parts = [_suite_section(view, result) for result in results]
    style = files("secateur.validation").joinpath("data_docs.css").read_text()
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{style}</style>'
    body = f"<h1>{escape(title)}</h1>\n{drift_docs.section(report)}{''.join(parts)}"
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'


def _suite_section(view: _Sections, result: ExpectationSuiteValidationResult) -> str:
    result.meta = {**result.meta, "run_id": RunIdentifier(result.suite_name, _EPOCH)}
    result.meta.pop("batch_markers", None)  # when the frame was loaded
    for one in result.results:
        config = one.expectation_config
        if config.description:  # the library's templates know $ and do not escape
            config.description = escape(config.description).replace("$", "$$")
    document = ValidationResultsPageRenderer(run_info_at_end=True).render(result).to_json_dict()
    sections = [
        view.render({"section": section, "section_loop": {"index": number}})
        for number, section in enumerate(document["sections"])
    ]
    rendered = _LINKS.sub(r"\1", "".join(sections))
    return f"<h2>{escape(result.suite_name)}</h2>\n{rendered}"
