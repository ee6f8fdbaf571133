"""The console's navigation: groups of links, and which of them a page belongs to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.urls import reverse


class Group(StrEnum):
    """The navigation's headings, in their order."""

    OVERVIEW = "Overview"
    COMPUTE = "Compute"
    NETWORK = "Network"
    DATA = "Data"
    OBSERVE = "Observe"
    IDENTITY = "Identity"
    SIMFRA = "Simfra"


@dataclass(frozen=True, kw_only=True)
class Link:
    """A page that people navigate to; ``order`` is its place in the group, lowest first."""

    group: Group
    title: str
    url_name: str
    order: int = 50

    @property
    def place(self) -> tuple[int, int, str]:
        return list(Group).index(self.group), self.order, self.title

    @property
    def url(self) -> str:
        return reverse(self.url_name)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading with its links; each link with whether the page shown is below it."""

    title: str
    links: Sequence[tuple[Link, bool]]


def sections(links: Iterable[Link], path: str) -> list[Section]:
    """The navigation as the page at ``path`` shows it: the link with the longest matching address is current."""
    links = list(links)
    current = max((link for link in links if _is_below(path, link.url)), key=lambda link: len(link.url), default=None)
    return [
        Section(title=group, links=tuple((link, link is current) for link in links if link.group is group))
        for group in Group
        if any(link.group is group for link in links)
    ]


def _is_below(path: str, url: str) -> bool:
    return path == url if url == "/" else path.startswith(url)
