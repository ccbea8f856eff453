"""The page of bad inputs, as the tests that hold it to what is seen read it."""

import re

from secateur.scenario import PROJECT

PAGE = PROJECT / "infra" / "bad_inputs.md"


def told_cases(*headings: str) -> dict[str, str]:
    """What the tables under these headings tell of each case, by its name."""
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    wanted = {section.partition("\n")[0]: section for section in sections}
    text = "\n".join(wanted[heading] for heading in headings)
    return dict(re.findall(r"^\| `(\w+)` \|[^|]*\| (.*) \|$", text, re.MULTILINE))
