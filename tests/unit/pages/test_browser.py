"""The pages in headless Chromium: no console error, nothing cut off, at two widths, light and dark."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

WIDTHS = (1280, 390)
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(20, 23, 26)"

# Runs inside each page, and tells the test what does not fit.
MEASURE = """<script>
const errors = [];
addEventListener("error", event => errors.push(String(event.message)));
addEventListener("load", () => {
  const cut = [], width = document.documentElement.clientWidth;
  const scrolls = node => { for (; node; node = node.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(node).overflowX)) return true; return false; };
  for (const node of document.body.querySelectorAll("*")) {
    if (node.classList.contains("skip")) continue;
    const style = getComputedStyle(node), box = node.getBoundingClientRect();
    const hidden = ["hidden", "clip"].includes(style.overflowX) && node.scrollWidth > node.clientWidth + 1;
    if (hidden || ((box.right > width + 1 || box.left < -1) && !scrolls(node)))
      cut.push(node.tagName + ": " + node.textContent.slice(0, 60));
    if (node.tagName === "IMG" && !node.naturalWidth) cut.push("picture not shown: " + node.alt);
    const small = parseFloat(style.fontSize) < 12 && node.children.length === 0 && node.textContent.trim();
    if (small) cut.push("text below 12 pixels: " + node.textContent.slice(0, 60));
  }
  for (const button of document.querySelectorAll("thead button")) button.click();
  const wide = document.documentElement.scrollWidth > width + 1;
  fetch("/result", {method: "POST", body: JSON.stringify({page: location.pathname, width: innerWidth, errors, cut, wide,
    sorted: document.querySelectorAll("[aria-sort]").length,
    background: getComputedStyle(document.body).backgroundColor})});
});
</script>"""


class Server(ThreadingHTTPServer):
    """Serves a folder on this machine, and collects what the pages tell."""

    def __init__(self, folder: Path, expected: int) -> None:
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.found: list[dict[str, Any]] = []
        self.expected, self.complete = expected, threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(SimpleHTTPRequestHandler):
    """Answers the browser, quietly."""

    server: Server

    def do_POST(self) -> None:
        self.server.found.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()
        if len(self.server.found) >= self.server.expected:
            self.server.complete.set()

    def log_message(self, *words: object) -> None:
        pass


@pytest.mark.parametrize("scheme", [1, 0], ids=["light", "dark"])
def test_pages_in_a_browser(pages, tmp_path, scheme):
    if BROWSER is None:
        pytest.skip("no chromium on this machine; test_structure.py checks the pages without one")
    frames = []
    for kind, page in pages.items():
        text = page.read_text(encoding="utf-8")
        (tmp_path / f"{kind}.html").write_text(text.replace("<head>", "<head>" + MEASURE), encoding="utf-8")
        frames += [f'<iframe src="{kind}.html" width="{width}" height="800"></iframe>' for width in WIDTHS]
    (tmp_path / "around.html").write_text('<!DOCTYPE html><link rel="icon" href="data:,">' + "".join(frames), "utf-8")
    with Server(tmp_path, len(frames)) as server, (tmp_path / "messages").open("wb") as messages:
        browser = subprocess.Popen(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
             f"--blink-settings=preferredColorScheme={scheme}", "--enable-logging=stderr", "--window-size=1400,900",
             f"http://127.0.0.1:{server.server_port}/around.html"],
            stdout=subprocess.DEVNULL, stderr=messages,
        )  # fmt: skip
        try:
            told = server.complete.wait(timeout=240)  # seconds; a few, unless the machine has much other work
        finally:
            browser.terminate()
            browser.wait(timeout=60)
            server.shutdown()
    lines = (tmp_path / "messages").read_text("utf-8", errors="replace").splitlines()
    assert told, lines[-5:]
    console = [line for line in lines if "CONSOLE" in line]
    assert not console, console
    found = server.found
    for page in found:
        assert not page["errors"], page
        assert not page["cut"], page
        assert not page["wide"], page
        assert page["background"] == (LIGHT if scheme else DARK)
        assert page["sorted"] == (2 if page["page"].endswith("zoo.html") else 0)
    assert {page["width"] for page in found} == set(WIDTHS)
