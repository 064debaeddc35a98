// Blocks of a report for other pages to frame: #alone=2 shows the third one alone, and a menu gives the iframes.
(function () {
  "use strict";
  const { alone, byId, plural } = gittrack;
  const blocks = [...document.querySelectorAll("[data-block]")];
  const button = byId("frame-button");

  for (const block of blocks) alone.show(block.dataset.block, block, document.querySelector("h1").textContent);
  const nameOf = (block) => `${block.getAttribute("aria-label")}: ${plural(block.querySelectorAll("tbody tr").length, "row")}`;
  button.hidden = gittrack.pack !== null;
  button.addEventListener("click", () => gittrack.openMenu(button, blocks.map((block) => ({
    ...alone.entries(block.dataset.block, block.getAttribute("aria-label"), block.offsetHeight + 60).at(-1),
    title: `Copy an iframe of ${nameOf(block)}`,
  }))));
})();
