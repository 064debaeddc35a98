// The command palette: pages, actions and runs, found by a few letters.
(function () {
  "use strict";
  const { address, bind, byId, element, root } = gittrack;
  const MAX_SHOWN = 40;
  const dialog = byId("palette");
  const input = byId("palette-input");
  const list = byId("palette-list");
  const actions = [];
  let runs = null;
  let shown = [];
  let current = 0;

  // Anything a page can do: {title, hint, act}.
  gittrack.addAction = (title, hint, act) => actions.push({ title, hint, act });

  function pages() {
    return [...document.querySelectorAll(".top nav a")].map((link) => ({ title: link.textContent, hint: "page", act: () => { location.href = link.href; } }));
  }

  // The letters in their order, closer together first; null where they are not.
  function score(text, wanted) {
    const folded = text.toLowerCase();
    const at = folded.indexOf(wanted);
    if (at >= 0) return at === 0 ? 0 : 1 + at / 1000;
    let from = 0, gaps = 0;
    for (const letter of wanted) {
      const found = folded.indexOf(letter, from);
      if (found < 0) return null;
      gaps += found - from;
      from = found + 1;
    }
    return 3 + gaps;
  }

  function draw() {
    const wanted = input.value.trim().toLowerCase();
    const all = [...pages(), ...actions, ...(runs ?? [])];
    shown = all.map((entry) => ({ entry, rank: wanted ? score(entry.title, wanted) : entry.hint === "run" ? 2 : 1 }))
      .filter(({ rank }) => rank !== null).sort((a, b) => a.rank - b.rank).slice(0, MAX_SHOWN).map(({ entry }) => entry);
    current = Math.min(current, Math.max(0, shown.length - 1));
    list.replaceChildren(...shown.map((entry, i) => element("li", {
      role: "option", id: `palette-${i}`, "aria-selected": String(i === current), onclick: () => choose(i),
    }, element("span", { text: entry.title, dir: "auto" }), element("small", { text: entry.hint }))));
    if (!shown.length) list.append(element("li", { class: "none-fit", role: "option", "aria-disabled": "true", "aria-selected": "false", text: "Nothing fits." }));
    input.setAttribute("aria-activedescendant", shown.length ? `palette-${current}` : "");
    list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }

  function choose(i) {
    const entry = shown[i];
    if (!entry) return;
    dialog.close();
    entry.act();
  }

  async function loadRuns() {
    const index = await gittrack.openIndex();
    runs = index.ids.map((id, row) => ({ title: index.names[row] || id, hint: "run", act: () => { location.href = address.page(id, index.slugs[row]); } }));
    if (dialog.open) draw();
  }

  function open() {
    if (dialog.open) return;
    input.value = "";
    current = 0;
    dialog.showModal();
    draw();
    if (runs === null) loadRuns().catch((error) => gittrack.say(error.message));
  }

  input.addEventListener("input", () => { current = 0; draw(); });
  input.addEventListener("keydown", (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) {
      event.preventDefault();
      current = (current + move + shown.length) % Math.max(1, shown.length);
      draw();
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(current);
    }
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  byId("open-palette").addEventListener("click", open);
  bind("p", "Go to anything (also Ctrl K)", open);
  gittrack.addAction("Theme: light", "action", () => gittrack.setTheme("light"));
  gittrack.addAction("Theme: dark", "action", () => gittrack.setTheme("dark"));
  gittrack.addAction("Theme: as the system", "action", () => gittrack.setTheme("system"));
  gittrack.addAction("Keyboard shortcuts", "action", gittrack.openSheet);
  gittrack.addAction("Copy the address of this view", "action", () => copy(location.href, "The address is copied."));
  // What a page shows only a part of comes whole onto paper.
  gittrack.addAction("Print", "action", async () => { await gittrack.loadAll?.(); print(); });

  async function copy(text, done) {
    try {
      await navigator.clipboard.writeText(text);
      gittrack.say(done);
    } catch {
      gittrack.say("The browser does not allow copying here.");
    }
  }
  gittrack.copy = copy;
  gittrack.pageRoot = root;
})();
