"""A browser for the tests: one page in Chromium without a window, driven over a pipe (the DevTools protocol)."""

import base64
import json
import os
import select
import shutil
import subprocess
import time

import pytest

PATIENCE = 600.0  # seconds: only what hangs takes as long, however busy the machine is
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# A browser is nothing that pip installs; `.ci/run` installs one where it may, so that these tests run there.
in_a_browser = pytest.mark.skipif(not CHROMIUM, reason="there is no chromium on the PATH to open the page in")

# What stands beyond the right edge of the page and cannot be scrolled to in a box of its own.
_BEYOND = """[...document.querySelectorAll('body *')].filter(e =>
  !e.closest('table, .card img, .skip, svg') && e.checkVisibility() && e.getBoundingClientRect().right > %d + 1
).map(e => e.outerHTML.slice(0, 200))"""


class Browser:
    """A page that is opened from its address.

    Attributes:
      wrong: what went wrong on the page so far: exceptions, and errors on its console.
    """

    def __init__(self, address, profile):
        (its_in, self.write), (self.read, its_out) = os.pipe(), os.pipe()
        command = f'exec "$0" "$@" 3<&{its_in} 4>&{its_out}'
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",  # which in containers is too small
            f"--user-data-dir={profile}",
            "--remote-debugging-pipe",
        ]
        self.process = subprocess.Popen(
            ["bash", "-c", command, CHROMIUM, *options, "about:blank"],
            pass_fds=(its_in, its_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(its_in)
        os.close(its_out)
        self.asked, self.rest, self.session, self.wrong = 0, b"", {}, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=address)
        self.wait("document.readyState == 'complete' && location.protocol == 'file:'")

    def call(self, method, **parameters):
        self.asked += 1
        message = {"id": self.asked, "method": method, "params": parameters, **self.session}
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" in self.rest:
                line, _, self.rest = self.rest.partition(b"\0")
                answer = json.loads(line)
                if answer.get("id") == self.asked:
                    assert "result" in answer, answer
                    return answer["result"]
                self._note(answer.get("method"), answer.get("params"))
            ready, _, _ = select.select([self.read], [], [], PATIENCE)
            data = os.read(self.read, 1 << 16) if ready else b""
            assert data, "the browser is gone, or hangs"
            self.rest += data

    def _note(self, event, told):
        shown = event == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert")
        logged = event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning")
        if shown or logged or event == "Runtime.exceptionThrown":
            self.wrong.append(told)

    def ask(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, condition):
        for _ in range(10 * int(PATIENCE)):
            if self.ask(condition):
                return
            time.sleep(0.1)
        raise AssertionError(f"never true: {condition}")

    def resize(self, width):
        """Opens a window of another width; a narrow one is that of a phone."""
        narrow = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=850, deviceScaleFactor=1, mobile=narrow)

    def require_nothing_beyond(self, width):
        """Holds that the page is no wider than the window, and that all of it is seen."""
        self.resize(width)
        self.ask("document.querySelectorAll('section').forEach(e => { e.style.contentVisibility = 'visible'; })")
        assert self.ask("document.documentElement.scrollWidth") <= width  # a phone's `innerWidth` grows with the page
        assert self.ask(_BEYOND % width) == []

    def print(self):
        """Returns the PDF file, and what was visible as it was printed: the sections and what is folded, by number."""
        self.ask("""addEventListener('beforeprint', () => {
          const seen = (what) => [...document.querySelectorAll(what)].filter(e => e.checkVisibility()).length;
          window.printed = [seen('section.artefact'), seen('details > :not(summary)')];
        }, {once: true})""")
        pdf = base64.b64decode(self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])
        return pdf, self.ask("window.printed")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.read)
        os.close(self.write)
