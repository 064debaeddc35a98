// A card with one chart of curves: its name, its menu, a wide view.
(function () {
  "use strict";
  const { element } = gittrack;

  // more: further entries of its menu; embed: its address on the embed page, or null.
  function wireCard(card, curves, { more = [], embed = null } = {}) {
    const button = element("button", { type: "button", class: "card-menu", "aria-label": `Chart ${curves.key}`, "aria-haspopup": "menu", "aria-expanded": "false", text: "⋯" });
    const widen = () => {
      card.classList.toggle("wide");
      curves.resize();
    };
    button.addEventListener("click", () => gittrack.openMenu(button, [
      ...more,
      { title: "Wide", checked: card.classList.contains("wide"), act: widen },
      ...gittrack.curveEntries(curves),
      ...(embed && !gittrack.pack ? [null, { title: "Copy an address to embed", act: () => gittrack.copy(new URL(embed(), location.href).href, "The address is copied.") }, { title: "Copy an iframe", act: () => gittrack.copyFrame(embed(), curves.key, 340) }] : []),
    ]));
    card.querySelector("figcaption").append(button);
    return card;
  }

  function drawCard(key, curves, options) {
    const card = element("figure", { class: "card chart", "data-key": key }, element("figcaption", {}, element("b", { text: key, title: key, dir: "auto" })), curves.box);
    return wireCard(card, curves, options);
  }

  Object.assign(gittrack, { wireCurveCard: wireCard, drawCurveCard: drawCard });
})();
