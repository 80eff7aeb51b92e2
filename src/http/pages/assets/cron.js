// The form of a check: the next times of its schedule while somebody types, and the usual lengths
// without a round over the server. The server says what a schedule means; without this script a
// button asks it.

const form = document.getElementById("check");
const SHOWN = ["kind", "period", "period_unit", "schedule", "timezone", "grace", "grace_unit"];
let last = 0;

async function show() {
  const mine = ++last;
  const data = new FormData(form);
  const query = new URLSearchParams(SHOWN.map((name) => [name, data.get(name) ?? ""]));
  try {
    const answer = await fetch(`${form.dataset.preview}?${query}`, { cache: "no-store" });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("preview");
    // An answer that comes late is older than what is typed.
    if (!fresh || mine !== last) return;
    document.getElementById("preview").replaceWith(fresh);
    for (const name of ["period", "schedule", "timezone", "grace"]) {
      const field = document.getElementById(name);
      const isWrong = fresh.dataset.wrong === name;
      field.closest(".field").classList.toggle("wrong", isWrong);
      if (isWrong) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  } catch {
    // The server is away: the next key asks again.
  }
}

let timer;
form.addEventListener("input", (event) => {
  if (!SHOWN.includes(event.target.name)) return;
  clearTimeout(timer);
  timer = setTimeout(show, 200);
});

// ---- The usual lengths

const UNITS = [["w", 604800], ["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];
form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-sets]");
  if (!button) return;
  event.preventDefault();
  const [unit, size] = UNITS.find(([, size]) => button.value % size === 0);
  form.elements[button.dataset.sets].value = button.value / size;
  form.elements[`${button.dataset.sets}_unit`].value = unit;
  show();
});

// ---- What the script makes needless, and what it offers

document.getElementById("show-times").hidden = true;
const zones = document.getElementById("zones");
for (const zone of Intl.supportedValuesOf?.("timeZone") ?? []) {
  const option = document.createElement("option");
  option.value = zone;
  zones.append(option);
}
