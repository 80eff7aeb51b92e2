// What pages do beyond plain HTML: lines that can be copied with a button, menus that close, times
// that go on. Everything works without it.

// ---- What scripts say, which the page brings in the reader's language

const texts = JSON.parse(document.querySelector('meta[name="texts"]').content);

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
  button.textContent = texts["script-copy"];
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.innerText.trim());
    button.textContent = texts["script-copied"];
    setTimeout(() => { button.textContent = texts["script-copy"]; }, 2000);
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
    button.textContent = texts["script-copied"];
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

const put = (key, words) => texts[key].replace("%", words);

function distance(seconds) {
  if (seconds < 60) return put("words-seconds", seconds);
  if (seconds < 3600) return put("words-minutes", Math.floor(seconds / 60));
  if (seconds < 86400) return put("words-hours", Math.floor(seconds / 3600));
  const days = Math.floor(seconds / 86400);
  return put(days === 1 ? "words-one-day" : "words-days", days);
}

function agoOrIn(then) {
  const seconds = Math.floor(Math.abs(Date.now() - then) / 1000);
  if (seconds < 1) return texts["words-just-now"];
  return put(then > Date.now() ? "words-in" : "words-ago", distance(seconds));
}

setInterval(() => {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const words = agoOrIn(Date.parse(time.dateTime));
    if (time.textContent !== words) time.textContent = words;
  }
}, 5000);
