// Ranges and labels of the axes of curves.
(function () {
  "use strict";
  const { duration, number } = gittrack;
  const power = (value) => Math.floor(Math.log10(value) + 1e-9);

  // Distances between ticks where there is nothing between whole numbers.
  const WHOLE = Array.from({ length: 16 }, (_, digits) => [1, 2, 5].map((one) => one * 10 ** digits)).flat();

  function shorten(value) {
    const size = Math.abs(value);
    if (size >= 1e12) return value.toExponential(1).replace("e+", "e");
    if (size >= 1e9) return `${number(value / 1e9)}G`;
    if (size >= 1e6) return `${number(value / 1e6)}M`;
    if (size >= 1e4) return `${number(value / 1e3)}k`;
    return number(Number(value.toPrecision(6)));
  }

  function spread(low, high) {
    if (low === null || high === null || low === undefined) return [0, 1];
    if (low === high) return low === 0 ? [-1, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1];
    const room = (high - low) * 0.06;
    return [low >= 0 && low - room < 0 ? 0 : low - room, high + room];
  }

  // The range of a logarithmic axis, to one leading digit.
  function spreadLog(low, high) {
    if (low === null || high === null || !(low > 0)) return [1, 10];
    const under = 10 ** power(low), over = 10 ** power(high);
    const min = Math.floor(low / under + 1e-9) * under, max = Math.ceil(high / over - 1e-9) * over;
    return [Number(min.toPrecision(2)), Number((max > min ? max : max + over).toPrecision(2))];
  }

  // Not uPlot's own, which never ends for some ranges: every digit, or only powers where there are many.
  function splitLog(plot, axis, min, max) {
    const ticks = [];
    const from = power(min), to = power(max);
    const digits = to - from > 6 ? [1] : [1, 2, 3, 4, 5, 6, 7, 8, 9];
    for (let exponent = from; exponent <= to; exponent++) {
      for (const digit of digits) {
        const tick = Number(`${digit}e${exponent}`);
        if (tick >= min && tick <= max) ticks.push(tick);
      }
    }
    return ticks;
  }

  // Labels at powers of ten, between them where there are few, at some where there are many.
  function labelPowers(plot, ticks) {
    const { min, max } = plot.scales.y;
    const decades = Math.log10(max / min);
    const wanted = decades < 1 ? [1, 2, 3, 4, 5, 6, 7, 8, 9] : decades < 2 ? [1, 2, 5] : [1];
    const step = Math.max(1, Math.ceil(decades / 7));
    return ticks.map((tick) => {
      const exponent = power(tick);
      return wanted.includes(Math.round(tick / 10 ** exponent)) && exponent % step === 0 ? number(tick) : "";
    });
  }

  // How a place on the x axis reads.
  const placeText = (axis, value) => (axis === "relative" ? duration(value) : axis === "time" ? `${gittrack.time(value * 1000)} UTC` : axis === "step" ? `step ${value}` : `${axis.slice(2)} ${number(value)}`);
  const shortDuration = (value) => (value === 0 ? "0" : duration(value).split(" ").slice(0, 2).join(" "));

  gittrack.ticks = { WHOLE, shorten, spread, spreadLog, splitLog, labelPowers, placeText, shortDuration };
})();
