// Runs before the page is painted, so that no other theme flashes up.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.remove("no-script");
  root.classList.add("with-script");
  try {
    var theme = localStorage.getItem("gittrack-theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch (error) {
    // Storage may be forbidden: then it is as the system says.
  }
})();
