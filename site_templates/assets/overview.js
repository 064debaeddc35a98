// The overview is there without scripts; with them its times say how long ago.
(function () {
  "use strict";
  for (const time of document.querySelectorAll("time[data-time]")) {
    time.title = `${time.textContent} UTC`;
    time.textContent = gittrack.ago(Number(time.dataset.time));
  }
  performance.mark("gittrack-ready");
})();
