"""The pages in headless Chromium: no console error, nothing cut off, at two widths, light and dark."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

WIDTHS = (1280, 390)
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(20, 23, 26)"

# Runs inside each page, and tells the page around it what does not fit.
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
  parent.postMessage({page: location.pathname, width: innerWidth, errors, cut, wide,
    sorted: document.querySelectorAll("[aria-sort]").length,
    background: getComputedStyle(document.body).backgroundColor}, "*");
});
</script>"""

AROUND = """<!DOCTYPE html><meta charset="utf-8"><pre id="out">[]</pre>FRAMES<script>
const found = [];
addEventListener("message", event => {
  found.push(event.data);
  document.getElementById("out").textContent = JSON.stringify(found);
});
</script>"""


@pytest.mark.parametrize("scheme", [1, 0], ids=["light", "dark"])
def test_pages_in_a_browser(pages, tmp_path, scheme):
    if BROWSER is None:
        pytest.skip("no chromium on this machine; test_structure.py checks the pages without one")
    frames = []
    for kind, page in pages.items():
        text = page.read_text(encoding="utf-8")
        (tmp_path / f"{kind}.html").write_text(text.replace("<head>", "<head>" + MEASURE), encoding="utf-8")
        frames += [f'<iframe src="{kind}.html" width="{width}" height="800"></iframe>' for width in WIDTHS]
    around = tmp_path / "around.html"
    around.write_text(AROUND.replace("FRAMES", "".join(frames)), encoding="utf-8")
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         f"--blink-settings=preferredColorScheme={scheme}", "--enable-logging=stderr", "--window-size=1400,900",
         "--virtual-time-budget=8000", "--dump-dom", around.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not console, console
    found = json.loads(re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.S).group(1).replace("&amp;", "&"))
    assert len(found) == len(pages) * len(WIDTHS)
    for page in found:
        assert not page["errors"], page
        assert not page["cut"], page
        assert not page["wide"], page
        assert page["background"] == (LIGHT if scheme else DARK)
        assert page["sorted"] == (2 if page["page"].endswith("zoo.html") else 0)
    assert {page["width"] for page in found} == set(WIDTHS)
