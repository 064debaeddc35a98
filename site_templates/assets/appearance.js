// Light, dark, or as the system has it.
(function () {
  "use strict";
  const { bind, byId, say, stored } = gittrack;
  const THEMES = ["system", "light", "dark"];
  const current = () => document.documentElement.dataset.theme || "system";
  const changed = () => document.dispatchEvent(new CustomEvent("gittrack-theme"));

  function setTheme(theme) {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    stored.set("gittrack-theme", theme === "system" ? null : theme);
    say(`Theme: ${theme === "system" ? "as the system" : theme}`);
    label();
    changed();
  }
  function label() {
    byId("theme").title = `Theme: ${current()}`;
    byId("theme").setAttribute("aria-label", `Theme: ${current()}`);
  }
  const next = () => setTheme(THEMES[(THEMES.indexOf(current()) + 1) % THEMES.length]);

  byId("theme").addEventListener("click", next);
  bind("t", "Light, dark or as the system", next);
  label();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  gittrack.setTheme = setTheme;
})();
