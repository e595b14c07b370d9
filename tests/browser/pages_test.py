"""The diagnostics pages of the real agent in a real Chromium. Prints "N passed, N failed"; pictures go to
build/screenshots/."""

import os
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from agent import HOSTILE, Agent, fetch  # noqa: E402
from webdriver import ENTER, TAB, Browser, eventually  # noqa: E402

PAGES = {"overview": "/", "actors": "/actorz", "cycles": "/tracez", "applications": "/applicationz",
         "configuration": "/configz", "log": "/logz"}
SCREENSHOTS = "build/screenshots"

agent = None
browser = None
restart = None  # id of the cycle with a restart in it


def overview_says_how_everything_is():
    browser.go(agent.pages + "/")
    text = browser.text()
    for word in ("ResourceApplicationFailed", "ready", "Certificate expires", "Applications applied", "5 of 5"):
        assert word in text, f"{word} is not on the overview: {text}"


def failed_cycle_is_found_in_two_clicks():
    browser.go(agent.pages + "/")
    browser.click_link("Failed cycles")
    browser.click("tbody th a[href*='id=']")
    assert "id=" in browser.url(), browser.url()
    text = browser.text()
    assert "failed" in text or "threw" in text, text


def sequence_chart_shows_a_cycle_with_a_restart():
    browser.window(1440)
    browser.go(agent.pages + "/tracez?id=" + restart)
    shown = browser.run("""
        const chart = [...document.querySelectorAll('svg.chart')].filter(c => c.getClientRects().length > 0);
        return {charts: chart.length, lifelines: chart[0].querySelectorAll('.life:not(.far)').length,
                restarts: chart[0].querySelectorAll('g.restart').length, bad: chart[0].querySelectorAll('g.bad.message').length,
                requests: chart[0].querySelectorAll('g.request .arrow').length, times: chart[0].querySelectorAll('.times').length,
                red: getComputedStyle(chart[0].querySelector('g.bad .label')).fill,
                ink: getComputedStyle(chart[0].querySelector('g.ok .label')).fill}""")
    assert shown["charts"] == 1 and shown["lifelines"] == 5, shown
    assert shown["restarts"] == 1 and shown["bad"] >= 1 and shown["requests"] >= 1 and shown["times"] >= 6, shown
    assert shown["red"] != shown["ink"], shown


def script_as_a_name_is_harmless():
    for path in ("/", "/applicationz", "/tracez", "/actorz"):
        browser.go(agent.pages + path)
        assert browser.dialog() is None, path
        assert browser.run("return document.scripts.length") == 0, path
    browser.go(agent.pages + "/applicationz")
    assert HOSTILE in browser.text(), "the refused name is not shown"
    row = browser.run("return document.querySelector('tbody tr').innerText")
    assert HOSTILE in row and "refused" in row, row


def nothing_comes_from_elsewhere_and_nothing_complains():
    for path in list(PAGES.values()) + ["/tracez?id=" + restart, "/tracez?outcome=failed"]:
        browser.console()
        browser.go(agent.pages + path)
        assert browser.console() == [], path
        loaded = browser.run("return performance.getEntriesByType('resource').map(e => e.name)")
        assert all(name.startswith(agent.pages) for name in loaded), loaded


def everything_is_reached_by_keyboard():
    browser.window(1440)
    browser.go(agent.pages + "/")
    wanted = browser.run("return [...document.querySelectorAll('a, button')].map(e => e.textContent + e.getAttribute('href'))")
    reached = []
    for _ in range(len(wanted) + 2):
        browser.press(TAB)
        state = browser.run("""const e = document.activeElement;
            return [e.textContent + e.getAttribute('href'), getComputedStyle(e).outlineStyle]""")
        if state[0] in wanted:
            assert state[1] != "none", f"focus does not show on {state[0]}"
            reached.append(state[0])
    assert set(wanted) == set(reached), set(wanted) - set(reached)


def log_level_is_set_by_keyboard():
    browser.go(agent.pages + "/logz")
    browser.run("document.querySelector('button[formaction$=debug]').focus()")
    browser.press(ENTER)
    eventually("the new level", lambda: agent.page("/logz")["level"] == "debug", 10)
    assert browser.run("return document.querySelector('button[aria-pressed=true]').textContent") == "debug"
    browser.click("button[formaction$=info]")
    eventually("the old level", lambda: agent.page("/logz")["level"] == "info", 10)


def nothing_needs_sideways_scrolling():
    wide = []
    for width in (380, 800, 1440, 2560):
        browser.window(width)
        for path in list(PAGES.values()) + ["/tracez?id=" + restart, "/tracez?process=previous"]:
            browser.go(agent.pages + path)
            size = browser.run("return document.documentElement.scrollWidth")
            if size > width:
                wide.append((path, width, size))
    assert not wide, wide


def dark_and_light_follow_the_reader():
    browser.window(1440)
    backgrounds = {}
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        browser.go(agent.pages + "/")
        backgrounds[scheme] = browser.run("return getComputedStyle(document.body).backgroundColor")
    browser.scheme("light")
    assert backgrounds["light"] != backgrounds["dark"], backgrounds


def text_can_be_read_in_dark_and_light():
    # WCAG's contrast of every text against what is behind it.
    script = """
        const parts = c => (c.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
        const light = c => { const f = parts(c).slice(0, 3).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
          return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
        const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor, p = parts(c);
          if (p.length < 4 || p[3] === 1) return c; } return 'rgb(255,255,255)'; };
        const bad = [];
        for (const e of document.querySelectorAll('body *')) {
          if (e.closest('svg, header, meter') || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
          const a = light(getComputedStyle(e).color), b = light(behind(e));
          const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
          if (contrast < 4.5) bad.push([e.tagName, e.textContent.trim().slice(0, 30), contrast.toFixed(2)]);
        }
        return bad.slice(0, 5);"""
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        for path in list(PAGES.values()) + ["/tracez?id=" + restart]:
            browser.go(agent.pages + path)
            assert browser.run(script) == [], (scheme, path, browser.run(script))
    browser.scheme("light")


def screenshots_are_taken():
    os.makedirs(SCREENSHOTS, exist_ok=True)
    shots = {**PAGES, "cycle-with-a-restart": "/tracez?id=" + restart}
    for name, path in shots.items():
        for scheme, width in (("light", 1280), ("dark", 1280), ("light", 380)):
            browser.window(width)
            browser.scheme(scheme)
            browser.go(agent.pages + path)
            file = f"{SCREENSHOTS}/{name}-{scheme}-{width}.png"
            browser.screenshot(file)
            assert os.path.getsize(file) > 2000, file
    browser.scheme("light")


def a_page_of_elsewhere_gets_nothing():
    for headers in ({"Host": "evil.example.com"}, {"Host": "127.0.0.1.evil.example.com"}):
        try:
            fetch(agent.pages + "/", headers=headers)
            raise AssertionError(f"{headers} was answered")
        except OSError as error:
            assert error.code == 403, error
    try:
        fetch(agent.pages + "/logz?level=debug", b"", headers={"Origin": "http://evil.example.com"})
        raise AssertionError("a foreign form was taken")
    except OSError as error:
        assert error.code == 403, error


def spans_of_the_previous_process_are_shown():
    agent.process.kill()
    agent.process.wait(10)
    agent.start()
    browser.window(1440)
    browser.go(agent.pages + "/tracez")
    browser.click_link("previous process")
    browser.click("tbody th a[href*='id=']")
    assert "process=previous" in browser.url(), browser.url()
    assert browser.run("return document.querySelectorAll('.span').length") > 0


TESTS = [overview_says_how_everything_is, failed_cycle_is_found_in_two_clicks, sequence_chart_shows_a_cycle_with_a_restart,
         script_as_a_name_is_harmless, nothing_comes_from_elsewhere_and_nothing_complains, everything_is_reached_by_keyboard,
         log_level_is_set_by_keyboard, nothing_needs_sideways_scrolling, dark_and_light_follow_the_reader,
         text_can_be_read_in_dark_and_light, screenshots_are_taken, a_page_of_elsewhere_gets_nothing,
         spans_of_the_previous_process_are_shown]


def main():
    global agent, browser, restart
    passed = failed = 0
    try:
        agent = Agent()
        browser = Browser()
        agent.fail_a_fetch()
        restart = agent.crash_the_reconciler()
        for test in TESTS:
            began = time.monotonic()
            try:
                test()
                passed += 1
                print(f"ok     {test.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
            except Exception:  # noqa: BLE001: whatever it is, it is this test's failure
                failed += 1
                print(f"FAILED {test.__name__}\n{traceback.format_exc()}", flush=True)
    except Exception:  # noqa: BLE001
        failed += 1
        print(f"FAILED to get ready\n{traceback.format_exc()}", flush=True)
        if agent:
            print(agent.log("agent")[-3000:])
    finally:
        if browser:
            browser.close()
        if agent:
            agent.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
