"""The load balancer: what it was last told, in force. One change at a time, whoever wants it."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sidecar.load_balancer import datagrams, interfaces
from sidecar.load_balancer.checking import Checked, CheckedGroup
from sidecar.load_balancer.configuration import Configuration, Group, TargetSet
from sidecar.load_balancer.datagrams import DatagramError
from sidecar.load_balancer.figures import Counters, Figures, connections
from sidecar.load_balancer.packet_filter import PacketFilter
from sidecar.load_balancer.proxy import Proxy, ProxyError
from sidecar.load_balancer.servers import Server, server_name

#: How often servers that drain are looked at.
_DRAIN_EVERY_S = 0.5
_SECONDS_A_MINUTE = 60


class LoadBalancer:
    """HAProxy, the checks, and the addresses of a load balancer."""

    def __init__(self, device: str, uplink: str) -> None:
        self._device = device
        self._uplink = uplink
        self._filter: PacketFilter | None = None
        self._proxy = Proxy()
        self._groups: dict[str, CheckedGroup] = {}
        self._configuration: Configuration | None = None
        self._version = 0
        self._one_at_a_time = asyncio.Lock()
        self._stale: set[str] = set()
        self._woken = asyncio.Event()
        self._figures = Figures()
        self._carried: dict[int, Counters] = {}
        self._told: list[int] = []
        self._drained: set[tuple[str, str]] = set()
        self.news = asyncio.Event()

    # What it is told --------------------------------------------------------------------------------------------------

    async def configure(self, configuration: Configuration) -> int:
        """Put a configuration into force and answer its version. Raises what its parts raise."""
        async with self._one_at_a_time:
            before = self._configuration
            if before is None or before.interfaces != configuration.interfaces:
                await asyncio.to_thread(
                    interfaces.put_addresses, self._device, configuration.mac_address, configuration.interfaces
                )
            if before is None or before.filter != configuration.filter:
                await self._put_filter(configuration)
            configuration = _with_newer_targets(configuration, before)
            self._put_groups(configuration)
            if before is None or (before.haproxy, before.files) != (configuration.haproxy, configuration.files):
                await self._reload(configuration)
            self._configuration = configuration
            await self._put_servers(configuration.groups)
            await self._put_datagrams()
            self._version += 1
        self.news.set()
        return self._version

    async def change(self, changes: Mapping[str, TargetSet]) -> int:
        """Put other targets into force; a configuration that knew nothing of them does not take them back."""
        async with self._one_at_a_time:
            if self._configuration is None:
                return self._version
            groups = dict(self._configuration.groups)
            newer = [key for key, told in changes.items() if key in groups and _is_newer(told, groups[key])]
            for key in newer:
                groups[key] = replace(groups[key], targets=changes[key])
            self._configuration = replace(self._configuration, groups=groups)
            self._put_groups(self._configuration)
            await self._put_servers(newer)
            await self._put_datagrams()
        self.news.set()
        return self._version

    async def run(self) -> None:
        """Follow what checks find, and see to what drains, for ever. Raises ProxyError when HAProxy ends."""
        ended = asyncio.create_task(self._proxy.ended())
        while not ended.done():
            with suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN_EVERY_S):
                    await self._woken.wait()
            self._woken.clear()
            async with self._one_at_a_time:
                try:
                    await self._follow()
                except (ProxyError, DatagramError, OSError, TimeoutError) as error:
                    print(f"could not follow a change: {error!r}", flush=True)
        raise ProxyError(f"HAProxy ended with {ended.result()}")

    # What it tells ----------------------------------------------------------------------------------------------------

    async def report(self) -> dict[str, Any]:
        """How every target is, and what was carried in the minutes that were not told yet."""
        async with self._one_at_a_time:
            await self._count()
            self._told = list(self._carried)
            return {
                "version": self._version,
                "health": {key: self._healths(key, group) for key, group in self._groups.items()},
                "traffic": [{"minute": minute, "figures": figures} for minute, figures in self._carried.items()],
            }

    def was_told(self) -> None:
        """The last report arrived."""
        for minute in self._told:
            self._carried.pop(minute, None)

    # The parts --------------------------------------------------------------------------------------------------------

    async def _put_filter(self, configuration: Configuration) -> None:
        """Nothing listens before the filter is there."""
        if self._filter is not None:
            self._filter.stop()
            self._filter = None
        if configuration.filter is not None:
            self._filter = PacketFilter(configuration.filter, self._uplink)
            try:
                await self._filter.ready()
            except TimeoutError as error:
                raise ProxyError("the VPC's gateway hands over no packet filter") from error

    def _put_groups(self, configuration: Configuration) -> None:
        for key in [key for key in self._groups if key not in configuration.groups]:
            self._groups.pop(key).stop()
        for key, group in configuration.groups.items():
            if key not in self._groups:
                self._groups[key] = CheckedGroup(lambda key=key: self._notice(key))  # type: ignore[misc]
            self._groups[key].put(group.check, group.slow_start_s, group.targets.targets)

    def _notice(self, key: str) -> None:
        self._stale.add(key)
        self._woken.set()

    async def _follow(self) -> None:
        stale, self._stale = self._stale, set()
        if stale and self._configuration is not None:
            await self._put_servers([key for key in stale if key in self._configuration.groups])
            await self._put_datagrams()
            self.news.set()
        await self._proxy.remove_leaving()
        await self._look_for_drained()

    async def _reload(self, configuration: Configuration) -> None:
        await self._count()
        servers = {key: self._servers(key, group) for key, group in configuration.groups.items()}
        await self._proxy.configure(configuration.haproxy, configuration.files, servers)
        self._figures.forget()

    async def _put_servers(self, keys: Any) -> None:
        assert self._configuration is not None
        for key in keys:
            group = self._configuration.groups[key]
            if group.has_servers:
                await self._proxy.put_servers(key, self._servers(key, group), group.cookie_key)

    def _servers(self, key: str, group: Group) -> dict[str, Server]:
        if not group.has_servers:
            return {}
        return {
            name: Server(name=name, options=group.options, is_ready=share > 0, weight=share or 100)
            for name, share in self._groups[key].shares().items()
        }

    async def _put_datagrams(self) -> None:
        assert self._configuration is not None
        if not self._configuration.udp:
            return
        targets = {
            key: [
                (str(checked[name].target.address), checked[name].target.port)
                for name, share in group.shares().items()
                if share
            ]
            for key, group in self._groups.items()
            for checked in (group.targets(),)
        }
        own = [interface.address.ip for interface in self._configuration.interfaces]
        text = datagrams.rules(own, self._configuration.udp, targets)
        await asyncio.to_thread(datagrams.put_rules, text)

    async def _count(self) -> None:
        with suppress(OSError, TimeoutError, ProxyError):
            added = self._figures.read(await self._proxy.statistics())
            minute = self._carried.setdefault(int(time.time()) // _SECONDS_A_MINUTE, {})
            for key, figures in added.items():
                sums = minute.setdefault(key, {})
                for name, value in figures.items():
                    sums[name] = sums.get(name, 0.0) + value

    async def _look_for_drained(self) -> None:
        """A target that drains and has nothing left is done before its time."""
        draining = {
            (key, name)
            for key, group in self._groups.items()
            for name, checked in group.targets().items()
            if checked.target.is_draining
        }
        self._drained &= draining
        waiting = draining - self._drained
        # A process that was replaced may still send to it: with connections that stay for one more request.
        if not waiting or await self._proxy.has_old_process():
            return
        busy = connections(await self._proxy.statistics())
        done = {place for place in waiting if not busy.get((place[0], server_name(place[1])), 0)}
        if done:
            self._drained |= done
            self.news.set()

    def _healths(self, key: str, group: CheckedGroup) -> dict[str, list[str]]:
        return {name: self._health(key, name, checked) for name, checked in group.targets().items()}

    def _health(self, key: str, name: str, checked: Checked) -> list[str]:
        """The state, ELB's reason, and its description."""
        if checked.target.is_draining:
            return ["drained" if (key, name) in self._drained else "draining", "", ""]
        health = checked.health
        return [health.state.value, health.why.reason, health.why.description]


def _is_newer(told: TargetSet, known: Group) -> bool:
    return told.version >= known.targets.version


def _with_newer_targets(configuration: Configuration, before: Configuration | None) -> Configuration:
    """The configuration, with targets that were told of since it was read."""
    if before is None:
        return configuration
    groups = {
        key: group
        if key not in before.groups or _is_newer(group.targets, before.groups[key])
        else replace(group, targets=before.groups[key].targets)
        for key, group in configuration.groups.items()
    }
    return replace(configuration, groups=groups)
