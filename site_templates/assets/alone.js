// One card of a page alone, for other pages to frame: alone=NAME beside what else the page has in its address.
(function () {
  "use strict";
  const { address, element, pack } = gittrack;
  const { alone } = address;
  const withoutIt = () => address.stateHere().split("&").filter((part) => part && !part.startsWith("alone="));

  // Leaves nothing but the card, should it be the one, and the way to its page.
  function show(name, card, title) {
    if (pack || alone !== String(name)) return;
    document.documentElement.classList.add("alone");
    document.querySelector("h1").className = "hidden";
    const state = withoutIt().join("&");
    const source = element("a", { href: address.pageHere() + (state ? `#${state}` : ""), target: "_top", text: title, dir: "auto" });
    card.classList.add("alone-card");
    card.after(element("footer", { class: "foot alone-card" }, element("span"), source));
    for (const link of card.querySelectorAll("a")) link.target = "_top";
  }

  // What a menu offers for a card that can stand alone.
  function entries(name, title, height) {
    const here = () => `#${[...withoutIt(), `alone=${name}`].join("&")}`;
    return pack ? [] : [
      { title: "Copy an address to embed", act: () => gittrack.copy(new URL(here(), location.href).href, "The address is copied.") },
      { title: "Copy an iframe", act: () => gittrack.copyFrame(here(), title, height) },
    ];
  }

  // Another card, or the whole page again.
  addEventListener("hashchange", () => { if (address.read().get("alone") !== alone) location.reload(); });

  gittrack.alone = { show, entries };
})();
