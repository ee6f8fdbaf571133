"""A tab of a browser that notices what nobody should see: errors in the console, other hosts, sideways scrolling."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

ROOT = Path(__file__).resolve().parents[2]
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
#: What axe-core says of these is a fault: people who cannot see or point cannot use the page.
GRAVE = {"serious", "critical"}

ColorScheme = Literal["light", "dark"]


class Tab:
    """One page of the console at a time."""

    def __init__(self, context: BrowserContext, url: str, pictures: Path) -> None:
        self.page: Page = context.new_page()
        self._url, self._pictures = url, pictures
        self._host = urlsplit(url).netloc
        self.faults: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def open(self, path: str) -> Page:
        """Go to a page of the console."""
        answer = self.page.goto(self._url + path)
        assert answer is not None
        assert answer.status == 200, f"{path} answered {answer.status}"
        return self.page

    def look_at(self, account_id: str, region: str = "us-east-1") -> None:
        """Choose an account and a region, as the form in every page's head does."""
        context = self.page.context
        context.request.get(self._url + "/login")
        token = next(str(cookie["value"]) for cookie in context.cookies() if cookie["name"] == "csrftoken")
        chosen = {"account_id": account_id, "region": region, "csrfmiddlewaretoken": token}
        assert context.request.post(self._url + "/scope", form=chosen).ok

    def submit(self, name: str) -> None:
        """Press a button by its name, and wait for the page that comes."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).first.click()

    def wear(self, scheme: ColorScheme) -> None:
        self.page.emulate_media(color_scheme=scheme)

    def photograph(self, name: str) -> None:
        """Keep a picture of the page as it is."""
        self.page.screenshot(path=self._pictures / f"{name}.jpg", type="jpeg", quality=60, full_page=True)

    @contextmanager
    def on_a_phone(self) -> Iterator[None]:
        """The page as a phone shows it, while the block runs."""
        self.page.set_viewport_size(PHONE)
        try:
            yield
        finally:
            self.page.set_viewport_size(DESK)

    def overflow(self) -> list[str]:
        """What is wider than the screen, outermost first, where the page scrolls sideways."""
        found: list[str] = self.page.evaluate(_OVERFLOW)
        return found

    def grave_faults(self, *rules: str) -> list[str]:
        """What axe-core finds serious or critical, by all of its rules or by these."""
        options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
        if rules:
            options["runOnly"] = {"type": "rule", "values": list(rules)}
        if not self.page.evaluate("'axe' in window"):
            # By the debugger's own way in: the page's Content-Security-Policy holds for the page's own scripts.
            self.page.evaluate(f"() => {{ {_axe()} }}")
        found = self.page.evaluate("(options) => axe.run(options)", options)
        return [_in_words(fault) for fault in found["violations"] if fault["impact"] in GRAVE]

    def _heard(self, message: ConsoleMessage) -> None:
        # A websocket that was not open yet when its page was left is nobody's fault.
        if message.type in ("error", "warning") and "closed before the connection is established" not in message.text:
            self.faults.append(f"{message.type}: {message.text} at {message.location.get('url')}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self._host:
            self.faults.append(f"asked another host: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.url} answered {response.status}")


def pictures_folder(otherwise: Path) -> Path:
    """Where pictures are kept: SIMFRA_TEST_PICTURES, for whoever wants to look at them after the run."""
    folder = Path(os.environ.get("SIMFRA_TEST_PICTURES") or otherwise)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@cache
def _axe() -> str:
    return (ROOT / "node_modules/axe-core/axe.min.js").read_text()


def _in_words(fault: Mapping[str, Any]) -> str:
    where = "; ".join(str(node["html"])[:160] for node in fault["nodes"][:3])
    return f"{fault['id']}: {fault['help']}: {where}"


_OVERFLOW = """
() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.body.querySelectorAll("*")]
    .filter((each) => each.getBoundingClientRect().right > width + 1 && !each.closest(".scroll, pre"))
    .slice(0, 5)
    .map((each) => `${each.tagName} .${each.className} ${each.textContent.trim().slice(0, 60)}`);
}
"""
