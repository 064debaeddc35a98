// A menu that hangs from a button, and a panel that does; both close at Escape and outside.
(function () {
  "use strict";
  const { element } = gittrack;
  let open = null;

  function place(node, button) {
    const from = button.getBoundingClientRect();
    node.style.top = `${Math.min(from.bottom + 5, Math.max(8, innerHeight - node.offsetHeight - 8))}px`;
    node.style.left = `${Math.max(8, Math.min(from.left, innerWidth - node.offsetWidth - 8))}px`;
  }

  function close() {
    if (!open) return;
    const { node, button, panel } = open;
    open = null;
    button.setAttribute("aria-expanded", "false");
    if (panel) node.hidden = true; else node.remove();
    if (node.contains(document.activeElement) || document.activeElement === document.body) button.focus();
  }

  // entries: {title, act, checked?} or null for a line between.
  function openMenu(button, entries) {
    const again = open?.button === button;
    close();
    if (again) return;
    const items = entries.filter(Boolean).length;
    const node = element("ul", { class: "menu", role: "menu", "aria-label": button.getAttribute("aria-label") ?? button.textContent });
    for (const entry of entries) {
      if (!entry) node.append(element("li", { role: "separator" }));
      else {
        node.append(element("li", {
          role: entry.checked === undefined ? "menuitem" : "menuitemcheckbox", tabindex: "-1",
          "aria-checked": entry.checked === undefined ? null : String(entry.checked), text: entry.title,
          onclick: () => { close(); entry.act(); },
        }));
      }
    }
    node.addEventListener("keydown", (event) => walk(event, node, items));
    gittrack.byId("main").append(node);
    open = { node, button };
    button.setAttribute("aria-expanded", "true");
    place(node, button);
    node.querySelector("[role^=menuitem]")?.focus();
  }

  function walk(event, node) {
    const items = [...node.querySelectorAll("[role^=menuitem]")];
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[(to + items.length) % items.length].focus();
    else if (event.key === "Enter" || event.key === " ") document.activeElement.click();
    else if (event.key !== "Tab") return;
    if (event.key === "Tab") close();
    event.preventDefault();
  }

  function openPanel(button, node) {
    const again = open?.button === button;
    close();
    if (again) return;
    node.hidden = false;
    open = { node, button, panel: true };
    button.setAttribute("aria-expanded", "true");
    place(node, button);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      open.node.querySelector("input")?.focus();
      const { button } = open;
      close();
      button.focus();
    }
  }, true);
  document.addEventListener("pointerdown", (event) => {
    if (open && !open.node.contains(event.target) && !open.button.contains(event.target)) close();
  });

  Object.assign(gittrack, { openMenu, openPanel, closeMenu: close });
})();
