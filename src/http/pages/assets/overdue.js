// What pages do beyond plain HTML: lines that can be copied with a button, and a status that looks
// again by itself. Everything works without it.

for (const block of document.querySelectorAll("pre[data-copy]")) {
  // Browsers have a clipboard only on https and on this machine itself.
  if (!navigator.clipboard) break;
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

async function lookAgain() {
  const old = document.querySelector("[data-live]");
  if (!old) return;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const html = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = html.getElementById(old.id);
    if (fresh && !("live" in fresh.dataset)) {
      old.className = fresh.className;
      old.replaceChildren(...fresh.childNodes);
      delete old.dataset.live;
    }
  } catch {
    // The server is away: the next look may find it.
  }
  setTimeout(lookAgain, 2000);
}
setTimeout(lookAgain, 2000);
