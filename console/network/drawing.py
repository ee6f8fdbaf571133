"""The map: where each VPC, subnet and thing is drawn, and the lines between them. Pure geometry, in pixels."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from aws_api.services.ec2.filtering.policies import EVERYWHERE, GroupRule, RouteLine, Subnet, Way
from console.network.places import Network, Thing

CARD_WIDTH, CARD_HEIGHT, CARD_GAP = 212, 46, 10
#: What a public address adds.
PUBLIC_LINE = 16
SUBNET_PADDING, SUBNET_HEAD, ROUTE_LINE = 18, 42, 15
VPC_PADDING, VPC_HEAD, GUTTER = 16, 34, 26
COLUMNS = 3
SUBNET_WIDTH = CARD_WIDTH + 2 * SUBNET_PADDING
WIDTH = COLUMNS * SUBNET_WIDTH + (COLUMNS - 1) * GUTTER + 2 * VPC_PADDING + 2
INTERNET_HEIGHT = 40
#: More than that is a tangle that shows nobody anything.
MAX_LINES = 200
_MAX_ROUTES = 4
_LETTERS = 27


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle with its words."""

    x: int
    y: int
    width: int
    height: int
    title: str
    subtitle: str = ""

    @property
    def middle(self) -> int:
        return self.y + self.height // 2


@dataclass(frozen=True, kw_only=True)
class Card(Box):
    """A thing."""

    thing: Thing

    @property
    def label(self) -> str:
        """All of it in words, for who does not see the map."""
        groups = ", ".join(self.thing.group_names) or "none"
        public = f", public {self.thing.interface.public_address}" if self.thing.interface.public_address else ""
        return f"{self.thing.kind} {self.thing.name}, {self.subtitle}{public}, security groups: {groups}"


@dataclass(frozen=True, kw_only=True)
class SubnetBox(Box):
    """A subnet with what its routes say, each with whether it leads out to the internet."""

    routes: Sequence[tuple[str, bool, int]]
    cards: Sequence[Card]


@dataclass(frozen=True, kw_only=True)
class VpcBox(Box):
    """A VPC."""

    subnets: Sequence[SubnetBox]


@dataclass(frozen=True, kw_only=True)
class Line:
    """Who may reach whom by a rule: an SVG path, the ends, and the rule in words."""

    path: str
    source: str
    target: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The whole map."""

    width: int
    height: int
    internet: Box
    vpcs: Sequence[VpcBox]
    lines: Sequence[Line]
    is_cut: bool


def draw(network: Network) -> Drawing:
    """Place everything: VPCs below one another, the subnets of each in columns, the things of each in a stack."""
    vpcs, y = [], INTERNET_HEIGHT + GUTTER
    # Those where something is come first: a default VPC that nobody uses is below them.
    used = {network.policies.subnets[thing.interface.subnet_id].vpc_id for thing in network.things.values()}
    for vpc_id in sorted(network.policies.vpcs, key=lambda vpc_id: (vpc_id not in used, vpc_id)):
        vpc = _vpc_box(network, vpc_id, y)
        vpcs.append(vpc)
        y += vpc.height + GUTTER
    cards = {card.thing.end: card for vpc in vpcs for subnet in vpc.subnets for card in subnet.cards}
    internet = Box(
        x=1, y=1, width=WIDTH - 2, height=INTERNET_HEIGHT - 2, title="internet", subtitle="you, on this host"
    )
    found = [*_lines_of_internet(network, cards, internet), *_lines_of_groups(network, cards)]
    return Drawing(
        width=WIDTH,
        height=y,
        internet=internet,
        vpcs=vpcs,
        lines=found[:MAX_LINES],
        is_cut=network.is_cut or len(found) > MAX_LINES,
    )


# Boxes ----------------------------------------------------------------------------------------------------------------


def _vpc_box(network: Network, vpc_id: str, top: int) -> VpcBox:
    vpc = network.policies.vpcs[vpc_id]
    subnets = sorted(
        (subnet for subnet in network.policies.subnets.values() if subnet.vpc_id == vpc_id),
        key=lambda subnet: subnet.block,
    )
    boxes, y = [], top + VPC_HEAD
    for first in range(0, len(subnets), COLUMNS):
        row = [
            _subnet_box(network, subnet, 1 + VPC_PADDING + column * (SUBNET_WIDTH + GUTTER), y)
            for column, subnet in enumerate(subnets[first : first + COLUMNS])
        ]
        boxes += row
        y += max(box.height for box in row) + GUTTER
    return VpcBox(
        x=1,
        y=top,
        width=WIDTH - 2,
        height=max(y - GUTTER + VPC_PADDING, top + VPC_HEAD) - top,
        title=network.names.get(vpc_id) or vpc_id,
        subtitle=", ".join((*([vpc_id] if network.names.get(vpc_id) else []), *map(str, vpc.blocks))),
        subnets=boxes,
    )


def _subnet_box(network: Network, subnet: Subnet, x: int, y: int) -> SubnetBox:
    table = network.policies.tables[subnet.table_id]
    shown = [line for line in table.lines if line.way is not Way.LOCAL][:_MAX_ROUTES]
    routes = [
        (_route(line), line.way is Way.INTERNET, y + SUBNET_HEAD + ROUTE_LINE * index + 4)
        for index, line in enumerate(shown)
    ]
    at = y + SUBNET_HEAD + ROUTE_LINE * len(shown) + 6
    cards = []
    for thing in network.things_of(subnet.subnet_id):
        cards.append(_card(thing, x + SUBNET_PADDING, at))
        at += cards[-1].height + CARD_GAP
    return SubnetBox(
        x=x,
        y=y,
        width=SUBNET_WIDTH,
        height=at - y + (0 if cards else CARD_GAP),
        title=str(subnet.block),
        subtitle=subnet.subnet_id,
        routes=routes,
        cards=cards,
    )


def _card(thing: Thing, x: int, y: int) -> Card:
    return Card(
        x=x,
        y=y,
        width=CARD_WIDTH,
        height=CARD_HEIGHT + (PUBLIC_LINE if thing.interface.public_address else 0),
        title=_short(thing.name),
        subtitle=str(thing.interface.address),
        thing=thing,
    )


def _route(line: RouteLine) -> str:
    return f"{line.destination} → {line.target}"


def _short(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


# Lines ----------------------------------------------------------------------------------------------------------------


def _lines_of_internet(network: Network, cards: dict[str, Card], internet: Box) -> Iterator[Line]:
    """From the internet to whoever is public and lets it in; down the side of the column."""
    for card in cards.values():
        if card.thing.interface.public_address is None or not _is_public(network, card.thing):
            continue
        rules = [rule for rule in _ingress(network, card.thing) if EVERYWHERE in rule.blocks]
        if rules:
            side = card.x - SUBNET_PADDING + 3
            yield Line(
                path=f"M{side} {internet.y + internet.height} V{card.middle - 6} q0 6 6 6 H{card.x - 2}",
                source="internet",
                target=card.thing.end,
                words=_words(rules),
            )


def _lines_of_groups(network: Network, cards: dict[str, Card]) -> Iterator[Line]:
    """Between things of which the one's groups name the other's."""
    for target in cards.values():
        vpc_id = network.policies.subnets[target.thing.interface.subnet_id].vpc_id
        by_source: dict[str, list[GroupRule]] = {}
        for rule in _ingress(network, target.thing):
            if rule.referenced_group:
                members = network.policies.members(rule.referenced_group, vpc_id)
                for end in _ends(cards.values(), members):
                    by_source.setdefault(end, []).append(rule)
        for end, rules in by_source.items():
            if end != target.thing.end:
                path = _curve(cards[end], target)
                yield Line(path=path, source=end, target=target.thing.end, words=_words(rules))


def _ends(cards: Iterable[Card], addresses: frozenset[IPv4Address]) -> list[str]:
    return [card.thing.end for card in cards if addresses.intersection(card.thing.interface.addresses)]


def _curve(source: Card, target: Card) -> str:
    """From side to side; between cards of one column along its right."""
    y1, y2 = source.middle, target.middle
    if source.x == target.x:
        right = source.x + source.width
        return f"M{right} {y1} C{right + 34} {y1} {right + 34} {y2} {right + 2} {y2}"
    leftwards = source.x > target.x
    start = source.x if leftwards else source.x + source.width
    end = target.x + target.width + 2 if leftwards else target.x - 2
    bend = -40 if leftwards else 40
    return (
        f"M{start} {source.middle} C{start + bend} {source.middle} {end - bend} {target.middle} {end} {target.middle}"
    )


def _ingress(network: Network, thing: Thing) -> list[GroupRule]:
    return [rule for rule in network.policies.rules_of(thing.interface) if not rule.is_egress]


def _is_public(network: Network, thing: Thing) -> bool:
    table = network.policies.tables[network.policies.subnets[thing.interface.subnet_id].table_id]
    return any(line.way is Way.INTERNET for line in table.lines)


def _words(rules: Sequence[GroupRule]) -> str:
    return "; ".join(map(str, rules))
