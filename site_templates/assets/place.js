// Where the reader was, kept while a live page is loaded anew: what is scrolled, what is unfolded, and what the page
// itself wants to keep, as gittrack.place = {read(), restore(kept)}.
(function () {
  "use strict";
  const KEY = "gittrack-place";
  const foldable = () => [...document.querySelectorAll("main details")];
  const isScrolled = ({ scrollTop, scrollLeft }) => scrollTop > 0 || scrollLeft > 0;

  // Loads the page anew, to show it from the same place.
  gittrack.reloadHere = () => {
    const boxes = [...document.querySelectorAll("main [id]")].filter(isScrolled).map(({ id, scrollTop, scrollLeft }) => [id, scrollTop, scrollLeft]);
    const place = { page: location.pathname, top: scrollY, boxes, open: foldable().map(({ open }) => open), kept: gittrack.place?.read() ?? null };
    try {
      sessionStorage.setItem(KEY, JSON.stringify(place));
    } catch {
      // Storage may be forbidden: then it begins at the top.
    }
    location.reload();
  };

  function take() {
    try {
      const text = sessionStorage.getItem(KEY);
      sessionStorage.removeItem(KEY);
      const place = JSON.parse(text ?? "null");
      return place?.page === location.pathname ? place : null;
    } catch {
      return null;
    }
  }

  function restore({ top, boxes, open }) {
    const nodes = foldable();
    if (nodes.length === open.length) nodes.forEach((node, i) => { node.open = open[i]; });
    for (const [id, boxTop, left] of boxes) document.getElementById(id)?.scrollTo(left, boxTop);
    scrollTo(0, top);
  }

  const place = take();
  if (place) {
    restore(place);
    // Once more when what scripts draw is there.
    new PerformanceObserver(async (list, observer) => {
      if (!list.getEntriesByName("gittrack-ready").length) return;
      observer.disconnect();
      if (place.kept) await gittrack.place?.restore(place.kept);
      restore(place);
    }).observe({ type: "mark", buffered: true });
  }
})();
