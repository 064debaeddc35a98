// Colours as the style sheet has them, and the one of a run: the same on every page, with a letter beside it.
(function () {
  "use strict";
  const COLOURS = 10;
  const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

  // Light or dark, as the page is now.
  const scheme = () => getComputedStyle(document.documentElement).colorScheme;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // Gives each run the colour its id asks for, or the next one free; whoever shares one gets another dash.
  function assign(runs) {
    const taken = new Array(COLOURS).fill(0);
    runs.forEach((run, position) => {
      const wanted = gittrack.bucketOf(run.id, COLOURS);
      const least = Math.min(...taken);
      let place = wanted;
      while (taken[place] > least) place = (place + 1) % COLOURS;
      run.mark = { colour: place, dash: taken[place] % DASHES.length, letter: letterOf(position) };
      taken[place]++;
    });
    return runs;
  }
  const letterOf = (position) => (position < 26 ? LETTERS[position] : `${LETTERS[Math.floor(position / 26) - 1] ?? ""}${LETTERS[position % 26]}`);

  // What stands for a run where its name would be too long: its colour and its letter.
  function swatch(run) {
    const node = gittrack.element("span", { class: `swatch d${run.mark.dash}`, text: run.mark.letter, "aria-hidden": "true" });
    node.style.setProperty("--colour", `var(--c${run.mark.colour})`);
    return node;
  }

  Object.assign(gittrack, {
    colour, scheme, assignMarks: assign, swatch,
    markColour: (run) => colour(`c${run.mark.colour}`),
    markDash: (run) => DASHES[run.mark.dash],
  });
})();
