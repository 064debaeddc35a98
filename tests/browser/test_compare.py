"""What the compare page says of datasets, artifacts and runs that are not alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from gittrack.core.inputs import Dataset, DatasetInput, InputTag
from tests.site.sources import MemorySource, make_run, make_series

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Site


def open_compare(open_page: Callable[..., Page], site: Site) -> Page:
    ids = ",".join(run.run_id for run in site.source.runs)
    page = open_page(f"{site.urls['file']}compare.html#runs={ids}")
    page.wait_for_selector("#final tbody td")
    return page


def test_datasets_and_artifacts_that_are_not_alike_are_named(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    source = MemorySource()
    for number in range(2):
        context = (InputTag("mlflow.data.context", "train"),)
        inputs = [
            DatasetInput(Dataset("mnist", f"d{number}", "local", "{}"), context),
            DatasetInput(Dataset("words", "w", "local", "{}")),
        ]
        run = make_run(number, experiment_id="0", datasets={one.key: one for one in inputs})
        files = {"model.bin": bytes(1500 + number), "same.txt": b"same"} | (
            {"late.txt": b"x"} if number else {}
        )
        source.add(run, {"val/acc": make_series([0.5])}, files)
    page = open_compare(open_page, make_site("held", source))
    expect(page.locator("#datasets-hint")).to_have_text("1 of 2 datasets differ")
    assert page.locator("#datasets tbody tr").all_inner_texts() == ["mnist\td0 (train)\td1 (train)"]
    expect(page.locator("#artifacts-hint")).to_have_text("2 of 3 artifacts differ")
    rows = page.locator("#artifacts tbody tr").all_inner_texts()
    assert [row.split("\t")[0] for row in rows] == ["late.txt", "model.bin"]
    assert rows[0].split("\t")[1] == ""
    assert rows[1].split("\t")[1].endswith("· 1.5 kB")


def test_runs_without_params_are_no_seeds_of_one_setting(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    source = MemorySource()
    for number in range(3):
        source.add(make_run(number, experiment_id="0"), {"val/acc": make_series([0.1 * number])})
    page = open_compare(open_page, make_site("bare", source))
    assert page.locator("#final tbody td").all_inner_texts()[0] == "0"
    assert page.locator("#final thead th").count() == 4
    expect(page.locator("#datasets")).to_be_hidden()
    expect(page.locator("#artifacts")).to_be_hidden()


def test_a_single_point_stands_in_the_middle_of_its_chart(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    source = MemorySource()
    source.add(make_run(0, experiment_id="0"), {"val/acc": make_series([0.5])})
    page = open_compare(open_page, make_site("point", source))
    canvas = page.locator("#curves canvas")
    # Where its coloured pixels are, from 0 to 1; once, since Chromium warns of whoever reads often.
    place = canvas.evaluate(
        """async (canvas) => {
          await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let sum = 0, count = 0;
          for (let i = 0; i < data.length; i += 4) {
            const [red, green, blue, alpha] = data.slice(i, i + 4);
            const strength = Math.max(red, green, blue) - Math.min(red, green, blue);
            if (alpha > 200 && strength > 60) { sum += (i / 4) % canvas.width; count++; }
          }
          return count ? sum / count / canvas.width : null;
        }"""
    )
    assert 0.4 < place < 0.75


def test_a_long_note_leaves_the_metrics_in_sight(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    source = MemorySource()
    note = "A long note.\n" * 800
    source.add(
        make_run(0, experiment_id="0", tags={"mlflow.note.content": note}), {"val/acc": make_series([0.5])}
    )
    site = make_site("note", source)
    page = open_page(
        f"{site.urls['file']}runs/{source.runs[0].run_id}.html", viewport={"width": 1280, "height": 800}
    )
    box = page.locator("#metrics-title").bounding_box()
    assert box is not None
    assert box["y"] < 700
    page.locator(".note").focus()
    page.keyboard.press("End")
    expect(page.locator(".note")).not_to_have_js_property("scrollTop", 0)


def test_of_thousands_of_metrics_only_what_is_seen_is_made(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    source = MemorySource()
    keys = [f"layer{number // 20:03}/m{number:04}" for number in range(2_000)]
    for number in range(3):
        params = {f"p{at:04}": at + number for at in range(500)}
        source.add(
            make_run(number, experiment_id="0", params=params),
            {key: make_series([0.1, 0.2 + number]) for key in keys},
        )
    site = make_site("thousands", source)
    page = open_page(f"{site.urls['file']}compare.html#runs={','.join(run.run_id for run in source.runs)}")
    page.wait_for_selector("#final tbody tr")
    rows, cards = page.locator("#final tbody tr"), page.locator("#curves .chart")
    assert page.locator("*").count() < 6_000  # all would be some 50,000
    page.evaluate("document.querySelector('#final tbody').lastElementChild.scrollIntoView()")
    expect(rows).to_have_count(120)
    assert rows.last.locator("th").inner_text().startswith(keys[119])
    assert cards.count() <= 180
    page.fill("#metric-filter", "m1999")
    expect(cards).to_have_count(1)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(rows).to_have_count(2_000)
    assert page.locator("#params tbody tr").count() == 500
