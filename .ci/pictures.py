"""Take the pictures of the README from the running demo: docs/images/*.png.

Run as `python .ci/pictures.py` with the e2e extra and Debian's Chromium; takes two minutes.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1180, "height": 900}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
GATHERED_S = 75  # by then the default story has escalated


def main() -> int:
    """Play the default story and look at it as its readers do."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "groundswell", "demo", "--dir", folder]
        command += ["--port", "0", "--site-port", "0", "--stop-after", "140"]
        demo = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        assert demo.stderr is not None
        told = ""
        while "停止 stop" not in told:
            told += demo.stderr.readline()
        inbox = re.findall(r"http://\S+/inbox", told)[0]
        console, password = (
            re.findall(r"console (http://\S+)", told)[0],
            re.findall(r"admin / (\S+)", told)[0],
        )
        time.sleep(GATHERED_S)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            phone = browser.new_page(viewport=PHONE, device_scale_factor=2)
            phone.goto(inbox)
            phone.screenshot(path=IMAGES / "inbox.png")
            desk = browser.new_page(viewport=DESK)
            log_in(desk, console, password)
            desk.goto(console)
            desk.screenshot(path=IMAGES / "incidents.png")
            desk.locator("a[href^='/incidents/']").first.click()
            desk.wait_for_load_state("networkidle")
            desk.screenshot(path=IMAGES / "demo.png")
            browser.close()
        demo.terminate()
        demo.wait(timeout=30)
    return 0


def log_in(page: Page, console: str, password: str) -> None:
    """Log in with the one-time password and set one's own."""
    page.goto(f"{console}/login")
    page.fill("input[name=name]", "admin")
    page.fill("input[name=password]", password)
    page.click("main button.primary")
    page.wait_for_selector("input[name=old]")
    for field in page.locator("input[type=password]").all():
        name = field.get_attribute("name") or ""
        field.fill(password if name == "old" else "a-longer-password-7")
    page.click("main button.primary")


if __name__ == "__main__":
    sys.exit(main())
