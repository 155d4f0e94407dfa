"""The secretaries of `bench.rush`: real requests over the network, no Django."""

import http.client
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
VERSION = re.compile(r'name="version" value="(\d+)"')
TICKET = re.compile(r'name="ticket" value="([^"]+)"')
NUMBER = re.compile(r"回执号 (\d{6}-[0-9A-Z]{6})")


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    location: str
    page: str
    messages: str


@dataclass
class Secretary:
    """One secretary: session, unit, and what came of it."""

    port: int
    unit: int
    session: str
    fields: dict[str, str]
    twice: bool = False
    cookie: str = ""
    token: str = ""
    version: str = "0"
    ticket: str = ""
    statuses: list[int] = field(default_factory=list)
    number: str = ""
    answered: float = 0.0
    shown: float = 0.0

    @property
    def address(self) -> str:
        return f"/grading/units/{self.unit}/self/"

    def ask(self, method: str, path: str, body: str = "", messages: str = "") -> "Answer":
        """Send one request, with the messages of the one before."""
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        cookies = {"sessionid": self.session, "csrftoken": self.cookie, "messages": messages}
        given = "; ".join(f"{name}={value}" for name, value in cookies.items() if value)
        headers = {"Cookie": given, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            wire.request(method, path, body, headers)
            answer = wire.getresponse()
            page = answer.read().decode()
            for header in answer.headers.get_all("Set-Cookie") or ():
                name, _, value = header.split(";")[0].partition("=")
                if name == "csrftoken":
                    self.cookie = value
                elif name == "messages":
                    messages = value
            return Answer(answer.status, answer.headers.get("Location", ""), page, messages)
        finally:
            wire.close()

    def open(self) -> None:
        """Open the page."""
        shown = self.ask("GET", self.address)
        if shown.status != 200:
            raise RuntimeError(f"{self.address} answered {shown.status}")
        self.token, self.version = TOKEN.search(shown.page)[1], VERSION.search(shown.page)[1]
        found = TICKET.search(shown.page)
        self.ticket = found[1] if found else ""

    def press(self) -> None:
        """Send the sheet and read the receipt."""
        began = time.monotonic()
        given = {"csrfmiddlewaretoken": self.token, "version": self.version, "ticket": self.ticket, "do": "submit"}
        answer = self.ask("POST", self.address, urlencode(given | self.fields))
        self.statuses.append(answer.status)
        if answer.status == 302:
            self.answered = time.monotonic() - began
            shown = self.ask("GET", answer.location, messages=answer.messages)
            self.shown = time.monotonic() - began
            if found := NUMBER.search(shown.page):
                self.number = found[1]

    def file(self) -> None:
        """Press once, or twice at the same time."""
        presses = [threading.Thread(target=self.press) for _ in range(1 + self.twice)]
        for press in presses:
            press.start()
        for press in presses:
            press.join()


def crowd(people: Sequence[Secretary], begins: float, offsets: Sequence[float], answers: Any) -> None:
    """Be some of the secretaries, in a process of their own."""

    def act(one: Secretary, offset: float) -> None:
        time.sleep(max(0.0, begins + offset - time.time()))
        one.file()

    threads = [threading.Thread(target=act, args=pair) for pair in zip(people, offsets, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put([asdict(one) for one in people])
