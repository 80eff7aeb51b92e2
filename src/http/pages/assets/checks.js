// The keyboard in the list of checks: "/" searches, "n" makes a check, the arrows move from one to
// the next, "x" chooses.

const names = () => [...document.querySelectorAll("table.checks a.name")];

function move(step) {
  const all = names();
  const place = all.indexOf(document.activeElement?.closest?.("tr")?.querySelector("a.name"));
  const next = place < 0 ? (step > 0 ? 0 : all.length - 1) : place + step;
  all[Math.min(Math.max(next, 0), all.length - 1)]?.focus();
}

function choose() {
  document.activeElement?.closest?.("tr")?.querySelector("[name=check]")?.click();
}

const KEYS = {
  "/": () => document.getElementById("q")?.focus(),
  n: () => document.getElementById("new")?.click(),
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  x: choose,
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input:not([type=checkbox]), textarea, select");
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
  const deed = KEYS[event.key];
  if (!deed) return;
  event.preventDefault();
  deed();
});

document.getElementById("q")?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") {
    event.preventDefault();
    names()[0]?.focus();
  }
});
