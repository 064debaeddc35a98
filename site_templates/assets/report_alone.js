// Blocks of a report for other pages to frame: #alone=2 shows the third one alone, and a menu gives the iframe.
(function () {
  "use strict";
  const { address, byId, element, plural } = gittrack;
  const blocks = [...document.querySelectorAll("[data-block]")];
  const alone = document.querySelector(`[data-block="${CSS.escape(address.read().get("alone") ?? "")}"]`);
  const button = byId("frame-button");

  if (alone) {
    document.documentElement.classList.add("alone");
    for (const link of alone.querySelectorAll("a")) link.target = "_top";
    const heading = document.querySelector("h1");
    const source = element("a", { href: location.pathname.split("/").pop(), target: "_top", text: heading.textContent, dir: "auto" });
    heading.className = "hidden";
    document.querySelector(".report").replaceChildren(heading, alone, element("footer", { class: "foot" }, element("span"), source));
  }
  addEventListener("hashchange", () => { if (alone || address.read().has("alone")) location.reload(); });

  const nameOf = (block) => `${block.getAttribute("aria-label")}: ${plural(block.querySelectorAll("tbody tr").length, "row")}`;
  button.hidden = gittrack.pack !== null;
  button.addEventListener("click", () => gittrack.openMenu(button, blocks.map((block) => ({
    title: `Copy an iframe of ${nameOf(block)}`,
    act: () => gittrack.copyFrame(`#alone=${block.dataset.block}`, block.getAttribute("aria-label"), block.offsetHeight + 60),
  }))));
})();
