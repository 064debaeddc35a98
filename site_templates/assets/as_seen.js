// Long lists: the next part is made when the reader comes to the end of what is there.
(function () {
  "use strict";
  const fillers = new WeakMap();

  // Fills a box with what `make` makes of each item, so many at once; the whole of it before it is printed.
  gittrack.fillAsSeen = (box, items, make, count = 60) => {
    fillers.get(box)?.();
    let done = 0;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) more();
    }, { rootMargin: "600px" });
    function more(upTo = done + count) {
      observer.disconnect();
      const made = items.slice(done, upTo).map(make);
      done = Math.min(upTo, items.length);
      box.append(...made);
      if (done < items.length) observer.observe(box.lastElementChild);
    }
    const stop = () => { observer.disconnect(); removeEventListener("beforeprint", all); };
    const all = () => { if (box.isConnected) more(items.length); else stop(); };
    box.replaceChildren();
    more();
    addEventListener("beforeprint", all);
    fillers.set(box, stop);
  };
})();
