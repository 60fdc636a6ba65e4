// Keeps a page up to date. Without this script, pages are read as they were when they were loaded.

const main = document.querySelector("main");
const connection = document.querySelector("#connection");

const kept = new Map();                          // contents of parts whose text is selected

localTimes(document);
if (main && main.hasAttribute("data-live")) watch();

/** Receives parts of the page that have changed. The browser connects again by itself. */
function watch() {
  // A page that nobody sees costs nothing, nor one of the six connections that a browser has to a server. The server sends all parts to one that comes back; what is typed into forms stays.
  document.addEventListener("selectionchange", () => kept.forEach((content, id) => show(id, content)));
  let events = document.hidden ? null : connect();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) events?.close();
    else if (!events || events.readyState === EventSource.CLOSED) events = connect();
  });
}

function connect() {
  kept.clear();
  const address = new URL(location.href);
  if (!main.hasAttribute("data-silent") && address.searchParams.getAll("wait").at(-1) === "30") address.searchParams.set("wait", "open");
  const events = new EventSource(address);
  events.onopen = () => say("live", false);
  events.onerror = () => say("No answer: what is shown may be old.", true);
  events.onmessage = (event) => {
    const end = event.data.indexOf("\n");
    // A page that lacks what a silent store has: it is loaded again when the store answers.
    if (event.data.trim() === "silence" && main.hasAttribute("data-silent")) return loadAgain();
    show(event.data.slice(0, end), event.data.slice(end + 1));
  };
  return events;
}

/** Loads the page again, with more time to wait: its own search may be what has kept the store. After that, once in a minute at most. */
function loadAgain() {
  const longer = new URL(location.href);
  if (longer.searchParams.getAll("wait").at(-1) !== "30") {
    longer.searchParams.set("wait", "30");
    location.replace(longer);
  } else {
    say("The store answers again. This page is loaded again in a moment.", false);
    setTimeout(() => location.reload(), Math.max(0, 60_000 - performance.now()));
  }
}

/** Shows the new content of a part: at once, or when none of its text is selected any more. The server sends it once. */
function show(id, content) {
  const part = document.getElementById(id);
  if (!part) return;
  if (isInUse(part)) {
    kept.set(id, content);
    return;
  }
  kept.delete(id);
  const fresh = document.createElement("template");
  fresh.innerHTML = content;
  localTimes(fresh.content);
  update(part, fresh.content);
}

function say(text, isLost) {
  connection.textContent = text;
  connection.classList.toggle("lost", isLost);
  connection.classList.toggle("live", !isLost);
}

/** Whether the user selects text in a part: a change would take the selection away. */
function isInUse(part) {
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed && part.contains(selection.anchorNode);
}

/** Makes the children of one element like those of another, and keeps what is alike: focus and scroll positions stay. */
function update(before, after) {
  const fresh = [...after.childNodes];
  const old = [...before.childNodes];
  fresh.forEach((node, i) => {
    if (i >= old.length) before.append(node);
    else if (old[i].nodeName !== node.nodeName) old[i].replaceWith(node);
    else if (node.nodeType !== Node.ELEMENT_NODE) {
      if (old[i].nodeValue !== node.nodeValue) old[i].nodeValue = node.nodeValue;
    } else {
      for (const attribute of [...old[i].attributes]) if (!node.hasAttribute(attribute.name)) old[i].removeAttribute(attribute.name);
      for (const attribute of node.attributes)
        if (old[i].getAttribute(attribute.name) !== attribute.value) old[i].setAttribute(attribute.name, attribute.value);
      update(old[i], node);
    }
  });
  for (const node of old.slice(fresh.length)) node.remove();
}

/** Shows times in the time zone of the reader. */
function localTimes(root) {
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    time.textContent = at.toLocaleString();
  }
}
