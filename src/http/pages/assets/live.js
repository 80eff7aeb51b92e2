// What changes while the page is open: lines, counts, how a check stands, the icon. A connection
// that is lost says so, comes back by itself, and the page is looked at anew.

const place = document.querySelector("[data-events]");
const lost = document.getElementById("lost");
const icon = document.querySelector("link[rel=icon]");
const well = icon.href;
const isWell = () => Number(document.querySelector('[data-count="down"]')?.textContent ?? 0) === 0;

function paint() {
  const href = isWell() ? well : icon.dataset.down;
  if (icon.href !== href) icon.href = href;
}

// Puts a line in the place of the old one; what is chosen in it, and the focus, stay.
function put(fresh) {
  const old = document.getElementById(fresh.id);
  if (!old) return;
  const box = old.querySelector("[name=check]");
  if (box) fresh.querySelector("[name=check]").checked = box.checked;
  const focused = [...old.querySelectorAll("a, button, input")].indexOf(document.activeElement);
  old.replaceWith(fresh);
  if (focused >= 0) fresh.querySelectorAll("a, button, input")[focused]?.focus();
  document.dispatchEvent(new CustomEvent("overdue:put", { detail: fresh }));
}

function putCounts(from) {
  for (const count of document.querySelectorAll("[data-count]")) {
    const text = from(count.dataset.count);
    if (text !== undefined && count.textContent !== text) count.textContent = text;
  }
  paint();
}

function putPage(page) {
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh || fresh.innerHTML === part.innerHTML) continue;
    part.className = fresh.className;
    part.replaceChildren(...fresh.childNodes);
    document.dispatchEvent(new CustomEvent("overdue:put", { detail: part }));
  }
  const rows = document.getElementById("rows");
  const fresh = page.getElementById("rows");
  if (!rows !== !fresh) return location.reload();
  if (!rows) return;
  const ids = (body) => [...body.children].map((row) => row.id).join();
  if (ids(rows) === ids(fresh)) [...fresh.children].forEach(put);
  else {
    rows.replaceChildren(...fresh.children);
    document.dispatchEvent(new CustomEvent("overdue:put", { detail: rows }));
  }
  putCounts((name) => page.querySelector(`[data-count="${name}"]`)?.textContent);
}

// Looks at the whole page again, once for whatever happens within a second.
let looking;
function lookAgain() {
  looking ??= setTimeout(async () => {
    looking = undefined;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.redirected) return location.reload();
      putPage(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The server is away: the events say so.
    }
  }, 300 + Math.random() * 500);
}

function told(event) {
  const news = JSON.parse(event.data);
  for (const row of news.rows) {
    const body = document.createElement("tbody");
    body.innerHTML = row.html;
    put(body.firstElementChild);
  }
  putCounts((name) => String(news.counts[name] ?? 0));
  if (news.rows.some((row) => String(row.id) === place.dataset.check)) lookAgain();
}

function follow() {
  const events = new EventSource(place.dataset.events);
  let wasOpen = false;
  events.addEventListener("open", () => {
    lost.hidden = true;
    // What happened while nobody listened was told to nobody.
    if (wasOpen) lookAgain();
    wasOpen = true;
    document.documentElement.dataset.live = "on";
  });
  events.addEventListener("rows", told);
  events.addEventListener("list", lookAgain);
  events.addEventListener("error", () => {
    document.documentElement.dataset.live = "off";
    // The server ends each turn, and the browser is back at once: that is no loss.
    setTimeout(() => { lost.hidden = events.readyState === EventSource.OPEN; }, 4000);
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 15000);
  });
}

// A ping that does not come makes no event: its line turns late by the clock.
setInterval(() => {
  const times = document.querySelectorAll('tr[data-status="up"] td.next time');
  if ([...times].some((time) => Date.parse(time.dateTime) < Date.now())) lookAgain();
}, 1000);

paint();
if (place && lost) follow();
