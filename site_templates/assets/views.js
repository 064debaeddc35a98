// Named views: links to pages with a state; one of this very page is opened anew. And a name for what is shown, on the
// pages that have a state to name.
(function () {
  "use strict";
  const { addAction, byId } = gittrack;
  if (!document.body.classList.contains("with-views")) return;

  function go(link) {
    const here = link.pathname === location.pathname;
    location.href = link.href;
    if (here) location.reload();
  }
  for (const link of document.querySelectorAll("#views a")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      go(link);
    });
    addAction(link.textContent, "view", () => go(link));
  }
  const menu = byId("views");
  if (menu) {
    document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }

  // A shell reads nothing inside single quotes.
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  // What this page shows as an address, null where everybody begins with it.
  gittrack.viewHere = () => {
    const state = gittrack.address.stateHere();
    if (state) return `${gittrack.address.pageHere()}#${state}`;
    gittrack.say("Search, sort or choose something first: this is the view everybody begins with.");
    return null;
  };
  addAction("Copy as a named view", "action", () => {
    const address = gittrack.viewHere();
    if (address !== null) gittrack.copy(`gittrack view save NAME ${quote(address)}`, "A command that names this view is copied.");
  });
})();
