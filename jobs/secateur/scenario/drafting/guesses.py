"""What a guess is: a name, why, and how sure it is; and the words that name users and items."""

from typing import Literal, NamedTuple

# What is surest comes first.
USERS = (
    *("user", "uid", "customer", "client", "visitor", "member", "buyer", "viewer", "reader"),
    *("reviewer", "account", "subscriber", "person", "household", "device", "ip", "session"),
)
ITEMS = (
    *("item", "video", "product", "article", "news", "movie", "song", "track", "stock", "sku"),
    *("goods", "book", "listing", "hotel", "ad", "creative", "content", "post", "app", "page"),
    *("site", "game", "offer", "business", "restaurant", "venue", "poi", "artist", "asin", "isbn"),
)

Sureness = Literal["sure", "likely", "NOT SURE"]


class Guess(NamedTuple):
    """A column's name for a role, why, and how sure that is."""

    name: str
    why: str
    sure: Sureness = "likely"

    @property
    def comment(self) -> str:
        """What stands behind the key that it made."""
        return f"{self.sure}: {self.why}"
