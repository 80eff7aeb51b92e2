// What pages do beyond plain HTML: lines that can be copied with a button, menus that close, times
// that go on. Everything works without it.

// ---- The browser's time zone, in which the server writes times

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.split("; ").includes(`zone=${zone}`)) {
  document.cookie = `zone=${zone}; Path=/; Max-Age=31536000; SameSite=Lax`;
}

// ---- Lines to copy

function offerCopy(block) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.innerText.trim());
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  const frame = document.createElement("div");
  frame.className = "copyable";
  block.replaceWith(frame);
  frame.append(block, button);
}

function offerText(button) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copies);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

// Browsers have a clipboard only on https and on this machine itself.
function offer(part) {
  if (!navigator.clipboard) return;
  part.querySelectorAll("pre[data-copy]").forEach(offerCopy);
  part.querySelectorAll("[data-copies]").forEach(offerText);
}
offer(document);
// What comes while the page is open (live.js) has them, too.
document.addEventListener("overdue:put", (event) => offer(event.detail));

// ---- Menus close when something else is clicked, and by Escape

const open = () => document.querySelectorAll("details.menu[open], details.confirm[open]");
document.addEventListener("click", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// ---- A file is read into the field beside it

for (const chooser of document.querySelectorAll("[data-reads]")) {
  chooser.parentElement.hidden = false;
  chooser.addEventListener("change", async () => {
    const [file] = chooser.files;
    if (file) document.getElementById(chooser.dataset.reads).value = await file.text();
  });
}

// ---- Times go on: as src/http/pages/words.rs writes them

function distance(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  const days = Math.floor(seconds / 86400);
  return days === 1 ? "1 day" : `${days} days`;
}

function agoOrIn(then) {
  const seconds = Math.floor(Math.abs(Date.now() - then) / 1000);
  if (seconds < 1) return "just now";
  return then > Date.now() ? `in ${distance(seconds)}` : `${distance(seconds)} ago`;
}

setInterval(() => {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const words = agoOrIn(Date.parse(time.dateTime));
    if (time.textContent !== words) time.textContent = words;
  }
}, 5000);
