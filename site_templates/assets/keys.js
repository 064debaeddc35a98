// Keys, the sheet that lists them, and messages to whoever reads or listens.
(function () {
  "use strict";
  const { byId, element } = gittrack;
  const keys = new Map();
  const PAGES = { o: "index.html", r: "runs.html", h: "charts.html", m: "compare.html", y: "history.html", a: "about.html" };
  let pending = null;

  // What acts on `key`; `title` puts it onto the sheet.
  function bind(key, title, act) {
    keys.set(key, { title, act });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const typing = event.target.closest("input:not([type=checkbox]):not([type=range]), textarea, select, dialog, [role=menu]");
    if (typing || (event.key === "Enter" && event.target.closest("a, button, summary"))) return;
    if (pending === "g") {
      pending = null;
      if (event.key in PAGES) {
        event.preventDefault();
        location.href = gittrack.address.link(PAGES[event.key]);
      }
      return;
    }
    const found = keys.get(event.key);
    if (found) {
      event.preventDefault();
      found.act();
    }
  });
  bind("g", null, () => {
    pending = "g";
    setTimeout(() => { pending = null; }, 1200);
  });

  // On a telephone not all pages have room: this one's name is in sight.
  const nav = document.querySelector(".top nav"), here = nav.querySelector("[aria-current]");
  requestAnimationFrame(() => {
    if (here && nav.scrollWidth > nav.clientWidth) nav.scrollLeft = here.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2;
  });

  const sheet = byId("sheet");
  function openSheet() {
    if (sheet.open) return;
    byId("sheet-keys").replaceChildren(...[...keys].filter(([, { title }]) => title).map(([key, { title }]) => line([key], title)), line(["g", "o"], "Overview"), line(["g", "r"], "Runs"), line(["g", "h"], "Charts"), line(["g", "m"], "Compare"), line(["g", "y"], "History"));
    sheet.showModal();
  }
  const SHOWN = { " ": "Space", Escape: "Esc", ArrowLeft: "←", ArrowRight: "→" };
  const line = (pressed, title) => element("div", {}, element("dt", {}, ...pressed.map((key) => element("kbd", { text: SHOWN[key] ?? key }))), element("dd", { text: title }));
  bind("?", "This sheet", openSheet);
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });

  let silence = 0;
  function say(text) {
    byId("message").textContent = text;
    clearTimeout(silence);
    silence = setTimeout(() => { byId("message").textContent = ""; }, 3200);
  }

  // The address is for the page's state: skipping ahead must not replace it.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });

  Object.assign(gittrack, { bind, say, openSheet });
})();
