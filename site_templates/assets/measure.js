// Mean and standard deviation of a sample; the deviation is null for a single value.
(function () {
  "use strict";
  gittrack.measure = (values) => {
    const count = values.length;
    if (!count) return null;
    if (count === 1) return { mean: values[0], std: null, count };
    const mean = values.reduce((sum, value) => sum + value, 0) / count;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { mean, std: Math.sqrt(squares / (count - 1)), count };
  };
})();
