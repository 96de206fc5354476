"""The goods of the demonstration company, and the places of its customers."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class Market(NamedTuple):
    """Where customers are.

    Attributes:
        country: As we write it.
        often: How often it comes up, against the others.
        company: How a company is called after a family, where Faker knows only English ways.
        cities: Likewise.
    """

    country: str
    often: int
    company: str = ""
    cities: tuple[str, ...] = ()


# A ship chandler's customers speak many languages; the keys are Faker's locales.
MARKETS = {
    "en_GB": Market("United Kingdom", 8),
    "de_DE": Market("Germany", 8),
    "fr_FR": Market("France", 6),
    "es_ES": Market("Spain", 5),
    "it_IT": Market("Italy", 5),
    "nl_NL": Market("Netherlands", 6),
    "pt_PT": Market("Portugal", 3),
    "da_DK": Market("Denmark", 3),
    "sv_SE": Market("Sweden", 3),
    "fi_FI": Market("Finland", 2),
    "pl_PL": Market("Poland", 4),
    "cs_CZ": Market("Czechia", 2),
    "el_GR": Market("Greece", 4),
    "tr_TR": Market("Türkiye", 3, "", ("İzmir", "İstanbul", "Bodrum", "Antalya")),
    "uk_UA": Market("Ukraine", 3, "ТОВ «{}»", ("Одеса", "Миколаїв", "Херсон")),
    "bg_BG": Market("Bulgaria", 2, "{} ЕООД", ("Варна", "Бургас", "Русе")),
    "he_IL": Market("Israel", 2, 'ספנות {} בע"מ', ("חיפה", "אשדוד", "אילת")),
    "ar_AA": Market("Egypt", 3, "شركة {} للملاحة", ("الإسكندرية", "بورسعيد", "السويس")),
    "hi_IN": Market("India", 3, "{} एंड संस", ("मुंबई", "कोच्चि", "चेन्नई")),
    "th_TH": Market("Thailand", 2),
    "vi_VN": Market("Vietnam", 2, "Công ty TNHH {}"),
    "zh_CN": Market("China", 5),
    "ja_JP": Market("Japan", 5),
    "ko_KR": Market("South Korea", 4),
}


class Family(NamedTuple):
    """A family of goods: each variant times each name makes one good."""

    category: str
    prefix: str
    unit: str
    names: tuple[str, ...]
    variants: tuple[str, ...]
    cheapest: Decimal
    dearest: Decimal


CATALOG = (
    Family(
        "Rope and rigging", "ROP", "coil of 100 m",
        ("Mooring line", "Braided halyard", "Anchor rope", "Splicing twine"),
        ("8 mm", "12 mm", "16 mm", "20 mm"), Decimal("24.90"), Decimal("389.00"),
    ),
    Family(
        "Navigation", "NAV", "piece",
        ("Hand bearing compass", "Parallel ruler", "Chart divider", "Sextant", "Barometer"),
        ("standard", "brass"), Decimal("14.50"), Decimal("949.00"),
    ),
    Family(
        "Lights and signals", "LIT", "piece",
        ("Anchor light", "Signal lamp", "Flare pack", "Deck lantern"),
        ("12 V", "24 V", "solar"), Decimal("19.90"), Decimal("240.00"),
    ),
    Family(
        "Paint and care", "PNT", "can of 2.5 l",
        ("Antifouling", "Deck paint", "Clear varnish", "Teak oil"),
        ("red", "navy", "white", "clear"), Decimal("28.00"), Decimal("164.00"),
    ),
    Family(
        "Safety", "SAF", "piece",
        ("Life jacket", "Lifebuoy", "Fire extinguisher", "First aid chest"),
        ("small", "medium", "large"), Decimal("39.00"), Decimal("420.00"),
    ),
    Family(
        "Provisions", "PRV", "case of 24",
        ("Ship's biscuit", "Tinned sardines", "Black tea", "Dried lentils", "Marmalade"),
        ("classic", "organic"), Decimal("17.40"), Decimal("96.00"),
    ),
    Family(
        "Clothing", "CLO", "piece",
        ("Oilskin jacket", "Wool jumper", "Deck shoes", "Working gloves"),
        ("S", "M", "L", "XL"), Decimal("12.00"), Decimal("260.00"),
    ),
)  # fmt: skip

DEPARTMENTS = ("Sales", "Service", "Purchasing", "Warehouse", "Management")

REMARKS = (
    "Please deliver to the harbour office.",
    "Call before delivery.",
    "Bitte ohne Plastikfolie verpacken.",
    "Livraison le matin, s'il vous plaît.",
    "Entregar en el muelle 4.",
    "请在周五之前送达。",
    "午前中にお届けください。",
    "Доставить на причал номер 2.",
    "التسليم في المرفأ الشرقي.",
    "⚓ Berth 12, ask for the bosun.",
)

NOTES = (
    "Prefers to be called in the morning.",
    "Renews the whole inventory every spring.",
    "Asked for a discount on larger coils.",
    "New purchasing manager since last month.",
    "Met at the boat show; wants the new price list.",
    "Pays early when reminded kindly.",
)

# By kind of record. A text with {colleague} mentions one.
COMMENTS = {
    "deal": (
        "{colleague} can you join the call on this one?",
        "They compare our offer with another one; the price is not the problem.",
        "{colleague} they asked for the data sheet of the ropes.",
        "Decision moved to next month.",
        "The owner signs himself, and is at sea until Monday.",
    ),
    "order": (
        "{colleague} please pack the lamps apart from the paint.",
        "The harbour office takes deliveries until noon.",
        "{colleague} is the second coil in stock by Friday?",
        "Customer asked for one invoice for both orders.",
    ),
    "task": (
        "Nobody answers in the morning; I try again after lunch.",
        "{colleague} you know them better, will you call?",
    ),
    "person": (
        "Speaks English and some Greek.",
        "Met at the fair; {colleague} has the business card.",
        "Reads mails, rarely picks up the phone.",
    ),
}

TASKS = (
    "Call about the last offer",
    "Send the new price list",
    "Ask for the delivery address",
    "Arrange a visit",
    "Check the stock for the next delivery",
    "Remind of the open invoice",
    "Answer the complaint",
    "Prepare the yearly agreement",
    "Ask for feedback on the trial order",
    "Find out who decides",
)

DEALS = (
    "Refit of the spring season",
    "Yearly agreement",
    "First equipment of a new boat",
    "Safety gear for the fleet",
    "Trial order",
    "Winter storage supplies",
    "Rigging for two yachts",
    "Workshop supplies",
)

# Views of lists that all users see: the list, the name, and the arguments.
VIEWS = (
    ("orders", "Large open orders", "sort=-net&state=open&net_from=1000"),
    ("orders", "Waiting to be shipped", "sort=date&state=confirmed"),
    ("deals", "Late deals", "sort=expected&late=1"),
    ("tasks", "Mine, overdue", "sort=due&assignee=me&due=overdue"),
    ("accounts", "Without an owner", "sort=name&owner=none&columns=code.city.country.orders"),
    ("goods", "Sold out", "sort=name&stock=none"),
)
