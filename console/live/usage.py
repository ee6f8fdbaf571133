"""CPU and memory into a page's two plots, while the page is open."""

from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable

from django.template.loader import render_to_string

from console.usage import MAX_SAMPLES, Sample, Source, watching
from console.usage_plots import usage_plots


async def send_usage(send: Callable[[str], Awaitable[None]], key: Hashable, source: Source) -> None:
    """Send fragments for the plots of ``usage_plots``: all that was measured, then each sample as it comes."""
    async with watching(key, source) as (until_now, coming):
        measured = deque(until_now, maxlen=MAX_SAMPLES)
        lines = await _send_whole(send, measured)
        while True:
            sample = await coming.get()
            measured.append(sample)
            if lines >= set(sample.uses):
                await send(_rendered([sample], is_whole=False))
            else:
                lines = await _send_whole(send, measured)


async def _send_whole(send: Callable[[str], Awaitable[None]], measured: Iterable[Sample]) -> set[str]:
    await send(_rendered(measured, is_whole=True))
    return {line for sample in measured for line in sample.uses}


def _rendered(samples: Iterable[Sample], *, is_whole: bool) -> str:
    return render_to_string("console/live/plots.html", {"plots": usage_plots(list(samples)), "is_whole": is_whole})
