// Previews that cost something: figures are drawn, and pages framed, when their preview is opened.
(function () {
  "use strict";
  const { element, load } = gittrack;
  const drawn = new Set();

  async function draw(box) {
    drawn.add(box);
    const { figure, file } = box.dataset;
    try {
      await gittrack.vega.embedForeign(box, await load(figure, file));
      offer(box);
      box.dataset.drawn = Number(box.dataset.drawn ?? 0) + 1;
    } catch (error) {
      box.replaceChildren(element("p", { class: "hint", text: `This figure cannot be drawn: ${error.message}` }));
    }
  }

  function offer(box) {
    const before = box.previousElementSibling;
    if (before?.classList.contains("card-menu")) return;
    const name = box.closest("details").querySelector("summary .file").textContent.trim();
    const menu = element("button", { type: "button", class: "card-menu", "aria-label": `Figure ${name}`, "aria-haspopup": "menu", "aria-expanded": "false", text: "⋯" });
    menu.addEventListener("click", () => gittrack.openMenu(menu, gittrack.vega.entries(box, name, () => gittrack.vega.tableOf(box))));
    box.before(menu);
  }

  function whenOpen(box, act) {
    const preview = box.closest("details");
    preview.addEventListener("toggle", () => { if (preview.open) act(box); }, { once: true });
  }
  for (const box of document.querySelectorAll("[data-figure]")) whenOpen(box, draw);
  for (const frame of document.querySelectorAll("iframe[data-src]")) whenOpen(frame, () => { frame.src = frame.dataset.src; });
  document.addEventListener("gittrack-theme", () => drawn.forEach(draw));
})();
