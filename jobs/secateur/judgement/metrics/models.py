"""Models whose scores of many rows are read a block at a time."""

from dataclasses import dataclass
from functools import cached_property

from secateur.auc import Scores
from secateur.judgement.metrics.placing import Placed, place
from secateur.judgement.metrics.score_bins import ScoreBins
from secateur.judgement.metrics.scored_rows import JudgedRows, ScoredRows
from secateur.judgement.metrics.user_order import gather


@dataclass(frozen=True)
class Model:
    """One model's scores [n] of judged rows, beside the dense model's, in the order of users."""

    rows: JudgedRows
    scores: Scores
    dense: Scores

    @staticmethod
    def all_of(rows: JudgedRows, dense: Scores, *others: Scores) -> "list[Model]":
        """The dense model and others, whose scores [n] are in the order of the rows as given."""
        of_dense, *of_others = (gather(scores, rows.order.places) for scores in (dense, *others))
        return [Model(rows, scores, of_dense) for scores in (of_dense, *of_others)]

    @cached_property
    def bins(self) -> ScoreBins:
        """All rows by score."""
        return ScoreBins.of(self.scores)

    def place(self) -> Placed:
        """The AUC of all rows, and their placements [n], which take 8 bytes of scratch each."""
        return place(self.rows.by_user.labels, self.scores)

    def block(self, rows: JudgedRows, part: slice, placed: Placed | None = None) -> ScoredRows:
        """A part of the rows by user, which are `rows`."""
        of_part = placed._replace(shares=placed.shares[part]) if placed else None
        return ScoredRows(rows, self.scores[part], self.dense[part], self.bins, of_part)
