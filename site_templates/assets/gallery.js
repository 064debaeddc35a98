// Many charts of curves: drawn near the viewport first, the others when there is time; zoomed together.
(function () {
  "use strict";
  const IDLE_LIMIT = 150;
  const { whenIdle } = gittrack;

  class Gallery {
    constructor() {
      this.charts = new Map();
      this.observer = new IntersectionObserver((entries) => {
        for (const entry of entries) if (entry.isIntersecting) this.show(entry.target);
      }, { rootMargin: "300px" });
      this.resizer = new ResizeObserver((entries) => {
        for (const entry of entries) this.charts.get(entry.target)?.resize();
      });
      document.addEventListener("gittrack-theme", () => this.redraw());
      addEventListener("beforeprint", () => { for (const box of this.charts.keys()) this.show(box); });
    }

    add(box, curves) {
      curves.onzoom = (range) => this.zoom(range, curves.x);
      this.charts.set(box, curves);
      this.observer.observe(box);
      this.resizer.observe(box);
    }

    show(box) {
      const curves = this.charts.get(box);
      if (!curves || curves.drawn || box.clientWidth === 0) return;
      this.observer.unobserve(box);
      curves.draw();
    }

    clear() {
      for (const [box, curves] of this.charts) {
        this.observer.unobserve(box);
        this.resizer.unobserve(box);
        curves.plot?.destroy();
      }
      this.charts.clear();
    }

    set(options) {
      for (const curves of this.charts.values()) curves.set(options);
    }

    // Zooms the charts that are drawn over the same, out of it all.
    zoom(range, axis = null) {
      const fitting = [...this.charts.values()].filter(({ x }) => range === null || x === axis);
      for (const curves of fitting) curves.zoom(range).catch((error) => gittrack.say(error.message));
      this.onzoom?.(range && { ...range, axis: axis === "step" ? undefined : axis });
    }

    redraw() {
      for (const curves of this.charts.values()) if (curves.drawn) curves.draw();
    }

    // Leaves nothing empty below the fold.
    idle() {
      const waiting = [...this.charts.keys()].slice(0, IDLE_LIMIT);
      const step = (deadline) => {
        do {
          const box = waiting.shift();
          if (!box) return;
          this.show(box);
        } while (deadline.timeRemaining() > 8);
        whenIdle(step);
      };
      whenIdle(step);
    }
  }

  gittrack.Gallery = Gallery;
})();
