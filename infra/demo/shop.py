"""What a shop asks of its model: which items will the newest day's customers buy (Online Retail)?

Each customer is offered the items bought that day and as many again as `OTHERS`, drawn from what
sold in the last four weeks. The shop knows its purchases up to midnight, and no more.
"""

import gzip
import json
import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from pathlib import Path

LOGS = Path(__file__).with_name("online_retail")
OTHERS = 100  # items a customer
RECENT_DAYS = 28
HISTORY = 20
COLUMNS = ("InvoiceNo", "StockCode", "CustomerID", "InvoiceDate", "Quantity", "UnitPrice")

Row = dict[str, str]


class Shop:
    """All that was sold: how often to whom, what each bought last, and what an item is."""

    def __init__(self) -> None:
        self.of_customer: Counter[str] = Counter()
        self.of_pair: Counter[tuple[str, str]] = Counter()
        self.of_item: deque[Counter[str]] = deque(maxlen=RECENT_DAYS)
        self.bought: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=HISTORY))
        self.items: dict[str, Row] = {}
        self.country: dict[str, str] = {}

    def see(self, day: list[Row]) -> None:
        """Remember a day's purchases."""
        self.of_item.append(Counter(row["StockCode"] for row in day))
        for row in sorted(day, key=lambda row: row["InvoiceDate"]):
            customer, item = row["CustomerID"], row["StockCode"]
            self.of_customer[customer] += 1
            self.of_pair[customer, item] += 1
            self.bought[customer].append(item)
            self.items[item] = {name: row[name] for name in ("Description", "UnitPrice")}
            self.country[customer] = row["Country"]

    def offer(self, customer: str, item: str, recent: Counter[str]) -> dict[str, object]:
        """One candidate, with the model's inputs by their names."""
        return {
            "CustomerID": customer,
            "StockCode": item,
            "Country": self.country.get(customer, ""),
            "bought": list(self.bought[customer]),
            "CustomerID_69d_positives": self.of_customer[customer],
            "StockCode_28d_positives": recent[item],
            "CustomerID_x_StockCode_69d_positives": self.of_pair[customer, item],
            **self.items[item],
        }


def purchases(file: Path) -> list[Row]:
    """A day's purchases, without cancellations, gifts, sales over the counter and repeats."""
    with gzip.open(file, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    real = {tuple(row[name] for name in COLUMNS): row for row in rows if _is_purchase(row)}
    return list(real.values())


def _is_purchase(row: Row) -> bool:
    cancelled = row["InvoiceNo"].startswith("C")
    sold = float(row["Quantity"]) > 0 and float(row["UnitPrice"]) > 0
    return bool(row["CustomerID"]) and sold and not cancelled


def requests(_label: str) -> tuple[list[dict[str, object]], list[int]]:
    """The newest day's offers as the shop makes them at midnight, and which of them were bought."""
    *earlier, newest = sorted(LOGS.glob("events/*/invoices.json.gz"))
    shop = Shop()
    for day in earlier:
        shop.see(purchases(day))
    wanted: dict[str, set[str]] = defaultdict(set)
    for row in purchases(newest):
        if row["StockCode"] in shop.items:
            wanted[row["CustomerID"]].add(row["StockCode"])
    offers = list(_offers(shop, wanted))
    return [offer for offer, _ in offers], [bought for _, bought in offers]


def _offers(shop: Shop, wanted: dict[str, set[str]]) -> Iterator[tuple[dict[str, object], int]]:
    recent = sum(shop.of_item, Counter[str]())
    catalogue, draw = sorted(recent), random.Random(1)
    for customer, items in wanted.items():
        for item in sorted(items.union(draw.sample(catalogue, OTHERS))):
            yield shop.offer(customer, item, recent), int(item in items)
