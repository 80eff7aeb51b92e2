// Starts Swagger UI on the API page, and minds the session: until when it holds, the button that
// renews it, and what to do once it is over. Nothing is loaded from elsewhere, and the token of the
// session is never seen here: the browser sends its cookie by itself.

const PLACEHOLDER = '--cookie "api_access_token=$OVERDUE_TOKEN"';
const COOKIE = /(?:^|;\s*)api_access_token=([^;]*)/;

// ---- What it says, in the reader's language

const texts = JSON.parse(document.querySelector('meta[name="texts"]').content);

// ---- Light and dark

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => {
  const page = document.documentElement;
  page.classList.toggle("dark-mode", page.dataset.theme ? page.dataset.theme === "dark" : dark.matches);
};
dark.addEventListener("change", paint);
paint();

// ---- The session

const over = document.getElementById("over");
const said = document.getElementById("said");

function showOver(what, how) {
  document.getElementById("over-what").textContent = what;
  document.getElementById("over-how").textContent = how;
  over.querySelector("a").hidden = over.hidden = false;
  said.textContent = "";
}

function sessionIsOver() {
  showOver(texts["script-session-over"], texts["script-session-over-how"]);
}

function tokenIsRefused() {
  showOver(texts["script-token-refused"], texts["script-token-refused-how"]);
  over.querySelector("a").hidden = true;
}

function writeTime() {
  const time = document.querySelector("#session time");
  const until = new Date(time.dateTime);
  time.textContent = until.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  time.title = until.toLocaleString();
}

// Asks for this page again, or for its renewal, which leads back to it, and takes over what it says
// about the session; false where it says that nobody is signed in.
async function lookAgain(address, options) {
  const answer = await fetch(address, { cache: "no-store", ...options });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("session");
  if (!fresh) {
    sessionIsOver();
    return false;
  }
  const session = document.getElementById("session");
  Object.assign(session.dataset, fresh.dataset);
  session.querySelector("time").dateTime = session.dataset.until;
  writeTime();
  over.hidden = true;
  return true;
}

async function renew(event) {
  event.preventDefault();
  said.textContent = "";
  try {
    if (await lookAgain(event.currentTarget.action, { method: "POST" })) {
      said.textContent = texts["script-session-renewed"];
    }
  } catch {
    said.textContent = texts["script-no-answer"];
  }
}

// A session goes on while it is used, from the middle of its life on. The browser keeps the new
// token to itself, so that its end must be asked for.
async function followUse() {
  over.hidden = true;
  const { until, minutes } = document.getElementById("session").dataset;
  if (new Date(until) - Date.now() > minutes * 30_000) return;
  await lookAgain(location.href).catch(() => {});
}

document.getElementById("renew").addEventListener("submit", renew);
writeTime();

// ---- Swagger UI

// The token that was given under "Authorize", by either way: browsers let no script set a cookie
// for a request, and send the session's.
function givenToken(request) {
  const name = Object.keys(request.headers).find((name) => name.toLowerCase() === "cookie");
  const cookie = name && COOKIE.exec(request.headers[name]);
  if (name) delete request.headers[name];
  if (cookie) request.headers.Authorization = `Bearer ${decodeURIComponent(cookie[1])}`;
  return Boolean(request.headers.Authorization);
}

function sent(request) {
  if (request.loadSpec) return request;
  const carriesToken = givenToken(request);
  // Whoever tries a token out wants to see what it may do, not what the session may.
  request.credentials = carriesToken ? "omit" : "same-origin";
  // A word that begins with a dash goes into the line as it is.
  request.curlOptions = carriesToken ? [] : [PLACEHOLDER];
  return request;
}

function answered(response) {
  if (!new URL(response.url, location.href).pathname.includes("/user/")) return response;
  const carriedToken = Boolean(ui.authSelectors.authorized().size);
  if (response.status === 401) {
    if (carriedToken) tokenIsRefused();
    else sessionIsOver();
  } else if (!carriedToken) {
    followUse();
  }
  return response;
}

// The conventions at the head of the description are long: they open when somebody wants them.
function foldedHead(Head, { React }) {
  const e = React.createElement;
  return (props) => e("details", { className: "help" }, e("summary", null, texts["script-conventions"]), e(Head, props));
}

// Its links to operations stand within the buttons that open them, where no keyboard and no screen
// reader expects a link. The address follows what is opened without them.
function plainName(Link, { React }) {
  return ({ text }) => React.createElement("span", { className: "nostyle" }, text);
}

const home = document.getElementById("swagger");

// Its buttons that copy have a picture and no name.
new MutationObserver(() => {
  for (const button of home.querySelectorAll(".copy-to-clipboard button:not([aria-label])")) {
    button.setAttribute("aria-label", texts["script-copy"]);
  }
}).observe(home, { childList: true, subtree: true });

const ui = window.SwaggerUIBundle({
  domNode: home,
  url: home.dataset.description,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 1,
  defaultModelExpandDepth: 2,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  // By default it sends the description to another host to be judged.
  validatorUrl: null,
  plugins: [() => ({ wrapComponents: { DeepLink: plainName, InfoContainer: foldedHead } })],
  requestInterceptor: sent,
  responseInterceptor: answered,
});
