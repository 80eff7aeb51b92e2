// Passkeys: a form with `data-passkey` asks that address for a challenge, has the browser answer it, and
// then sends itself with the answer. What the browser takes as bytes travels as base64url.

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const named = (list) => list?.map((each) => ({ ...each, id: bytes(each.id) }));

const create = async (options) => {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: named(options.excludeCredentials),
    },
  });
  return {
    ...common(made),
    response: {
      clientDataJSON: text(made.response.clientDataJSON),
      attestationObject: text(made.response.attestationObject),
    },
  };
};

const get = async (options) => {
  const made = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: named(options.allowCredentials),
    },
  });
  const { clientDataJSON, authenticatorData, signature, userHandle } = made.response;
  return {
    ...common(made),
    response: {
      clientDataJSON: text(clientDataJSON),
      authenticatorData: text(authenticatorData),
      signature: text(signature),
      userHandle: userHandle && text(userHandle),
    },
  };
};

const common = (made) => ({ id: made.id, rawId: text(made.rawId), type: made.type, extensions: {} });

const texts = JSON.parse(document.querySelector('meta[name="texts"]').content);
const WORDS = {
  NotAllowedError: texts["script-passkey-not-allowed"],
  InvalidStateError: texts["script-passkey-there-already"],
  SecurityError: texts["script-passkey-not-here"],
};

const ask = async (form) => {
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.dataset.passkey, { method: "POST", body });
  const asked = await answer.json();
  if (!answer.ok) throw new Error(asked.error);
  const credential = asked.create ? await create(asked.create) : await get(asked.get);
  form.elements.credential.value = JSON.stringify(credential);
  // It was taken already, with the question.
  if (form.elements.password) form.elements.password.value = "";
  form.submit();
};

if (window.PublicKeyCredential) {
  document.querySelectorAll("form[data-passkey]").forEach((form) => {
    const problem = form.querySelector("[role=alert]");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button[type=submit]");
      button.disabled = true;
      problem.hidden = true;
      try {
        await ask(form);
      } catch (error) {
        problem.textContent = WORDS[error.name] ?? error.message;
        problem.hidden = false;
        button.disabled = false;
      }
    });
  });
}
