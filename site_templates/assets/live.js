// The live site: reloads when it was built again, and asks the server for changes of a run.
(function () {
  "use strict";
  const { byId, element, root, say } = gittrack;
  // The server has waited for quiet already.
  const QUIET_MS = 20;

  // A page with an open dialog or menu, or a text under the cursor, is not taken away from its reader.
  const isBusy = () => document.querySelector("dialog[open], [aria-haspopup][aria-expanded=true]") !== null || /^(INPUT|TEXTAREA)$/u.test(document.activeElement?.tagName ?? "") && document.activeElement.type !== "checkbox" && document.activeElement.type !== "range";
  let pending = false;
  const reload = gittrack.debounce(() => {
    if (isBusy()) { pending = true; setTimeout(retry, 1000); } else gittrack.reloadHere();
  }, QUIET_MS);
  const retry = () => { if (pending) reload(); };

  // Of which build this page is: the server tells at once when there is a later one.
  const build = performance.getEntriesByType("navigation")[0]?.serverTiming?.find(({ name }) => name === "build")?.description;
  const events = new EventSource(`${root}~events${build === undefined ? "" : `?since=${build}`}`);
  events.onmessage = reload;
  let lost = false;
  events.onerror = () => { if (!lost) say("The server has ended: what is shown stays as it is."); lost = true; };
  events.onopen = () => { if (lost) gittrack.reloadHere(); lost = false; };

  async function ask(action) {
    const answer = await fetch(`${root}~actions`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(action) });
    if (!answer.ok) {
      const { error, hint } = await answer.json();
      say(hint ? `${error} (${hint})` : error);
    }
    return answer.ok;
  }

  // Asks for texts: fields are [name, label, value, isLong].
  function form(title, fields, done) {
    const inputs = new Map(fields.map(([name, , value, isLong]) => [name, element(isLong ? "textarea" : "input", { name, rows: isLong ? 6 : null, autocomplete: "off", "data-value": value })]));
    const dialog = element("dialog", { class: "edit", "aria-label": title }, element("form", { method: "dialog" },
      element("h2", { text: title }), ...fields.map(([name, label, value]) => { inputs.get(name).value = value ?? ""; return element("label", {}, label, inputs.get(name)); }),
      element("div", { class: "line" }, element("button", { type: "submit", value: "no", formnovalidate: true, text: "Cancel" }), element("button", { type: "submit", class: "primary", value: "yes", text: "Save" }))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "yes") done(Object.fromEntries([...inputs].map(([name, input]) => [name, input.value])));
    });
    document.body.append(dialog);
    dialog.showModal();
    [...inputs.values()][0]?.focus();
  }

  const save = byId("save-view");
  if (save) {
    const name = () => {
      byId("views").open = false;
      const address = gittrack.viewHere();
      if (address === null) return;
      form("Save view", [["name", "Name", ""]], async (texts) => { if (await ask({ do: "view", address, ...texts })) say("Saved; commit .gittrack-views.json for others to have it."); });
    };
    save.addEventListener("click", name);
    gittrack.addAction("Save view …", "action", name);
  }

  const add = byId("add");
  if (add) {
    const run = document.querySelector("script[data-id]").dataset.id;
    const name = document.querySelector("h1").textContent;
    const note = document.querySelector(".note")?.dataset.note ?? "";
    const button = element("button", { type: "button", id: "edit", "aria-haspopup": "menu", "aria-expanded": "false", text: "Edit" });
    button.addEventListener("click", () => gittrack.openMenu(button, [
      { title: "Rename …", act: () => form("Rename the run", [["name", "Name", name]], (texts) => ask({ do: "rename", run, ...texts })) },
      { title: "Note …", act: () => form("Note", [["text", "Text", note, true]], (texts) => ask({ do: "note", run, ...texts })) },
      { title: "Tag …", act: () => form("Set a tag", [["key", "Key", ""], ["value", "Value", ""]], (texts) => ask({ do: "tag", run, ...texts })) },
      null,
      { title: "Delete …", act: () => form(`Delete ${name}? gittrack restore brings it back.`, [], async () => { if (await ask({ do: "delete", run })) location.href = `${root}runs.html`; }) },
    ]));
    add.before(button);
  }
})();
