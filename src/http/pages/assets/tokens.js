// The eye: shows the text of a token in its place, and hides it again. Without this script the form
// does the same with the whole page.

const read = async (form) => {
  const answer = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(),
    headers: { accept: "text/html" },
  });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector(".tokens pre.text code")?.textContent;
};

document.querySelectorAll("form.eye").forEach((form) => {
  const button = form.querySelector("button");
  button.setAttribute("aria-expanded", "false");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const card = form.closest(".card");
    const shown = card.querySelector("pre.text");
    if (shown) {
      (shown.closest(".copyable") ?? shown).remove();
      button.setAttribute("aria-expanded", "false");
      return;
    }
    try {
      const text = await read(form);
      if (!text) throw new Error("no text");
      const line = document.createElement("pre");
      line.className = "text";
      line.tabIndex = 0;
      line.append(Object.assign(document.createElement("code"), { textContent: text }));
      card.append(line);
      button.setAttribute("aria-expanded", "true");
    } catch {
      form.submit();
    }
  });
});
