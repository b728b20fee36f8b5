// A walk, an on-call shift or a lab in a page, and the list of all walks. All that is shown comes from the module as HTML; this script passes on
// what the learner does and how much time has passed.
"use strict";

const room = globalThis.firedrillRoom; // the class that the page belongs to, if any: script of classes, version 3
const keyOf = (incident) => (room?.keep ?? "firedrill:walk:") + incident;
function keptOf(incident, version) {
  try {
    const found = JSON.parse(kept.get(keyOf(incident)) ?? "null");
    return found && (!version || found.version === version) ? found : null;
  } catch {
    return null;
  }
}

class Live {
  constructor(data) {
    this.data = data;
    [this.level, this.linked] = location.hash.slice(1).split("-").map(Number); // `#level-seed` of a shift
    this.parts = {};
    this.focus = null;
    this.chain = Promise.resolve();
    document.addEventListener("click", (event) => {
      const asks = event.target.closest?.("[data-ask]");
      if (asks) this.input(JSON.parse(asks.dataset.ask));
    });
    document.addEventListener("submit", (event) => {
      event.preventDefault();
      const value = new FormData(event.target).get("answer");
      if (value === null || value === "") return;
      const asked = JSON.parse(event.target.dataset.answer.replace('"?"', Number(value)));
      const answer = asked.Input?.Answer;
      if (!answer || !room?.votes(answer, Number(this.focus))) this.input(asked);
    });
    document.addEventListener("change", ({ target }) => { if ("atOnce" in target.dataset) target.form.requestSubmit(); });
    document.addEventListener("keydown", (event) => this.key(event));
    document.getElementById("fd-again").addEventListener("click", ({ target }) => {
      const { asks } = target.dataset;
      if (asks && this.now?.inputs.length && !this.now.on_call?.result && !confirm(asks)) return;
      kept.remove(keyOf(data.id));
      history.replaceState(null, "", location.pathname);
      location.reload();
    });
    addEventListener("hashchange", () => location.reload());
  }

  async open() {
    const { kind, id, opens, taught, sources, heap_scale, recording, version } = this.data;
    this.say("loading …");
    await load();
    let before = keptOf(id, version);
    const wanted = room?.seed ?? this.linked;
    if (wanted >= 0 && before?.seed !== wanted) before = null;
    this.seed = wanted >= 0 ? wanted : before?.seed ?? crypto.getRandomValues(new Uint32Array(1))[0];
    const level = before?.level ?? (room?.level || this.level || null);
    const opened = { ...opens, seed: this.seed, level, inputs: before?.inputs ?? [] };
    if (kind === "lab") {
      // A link that is followed begins its run; a page that is loaded again, or has no link, goes on.
      const followed = location.hash && performance.getEntriesByType("navigation")[0]?.type === "navigate";
      [opened.link, opened.kept] = [[...new URLSearchParams(location.hash.slice(1))], followed ? null : before];
    }
    const ofRoom = opens.of?.filter((of) => room?.of?.includes(of)) ?? [];
    if (ofRoom.length) opened.of = ofRoom;
    if (recording) opened.recording = JSON.parse(new TextDecoder().decode(await unpacked(recording)));
    await this.ask({ ["open_" + kind]: { manifests, taught, sources, heap_scale, [kind]: opened } });
    this.say("");
    room?.opened(this);
  }

  // Asks one thing after the other, and shows each answer.
  ask(request) {
    this.chain = this.chain.then(() => work(0, request, { keep: true })).then((text) => this.show(JSON.parse(text)));
    return this.chain.catch((error) => this.fails(error));
  }

  fails(error) {
    this.failed = true;
    this.say(`this browser cannot go on (${error.message.split("\n")[0]}); in a terminal: ${this.data.command}`);
  }

  input(asked) {
    if (asked === "Faster") this.faster = true;
    else return this.ask({ [this.data.kind]: asked });
  }

  show(drawn) {
    for (const name of ["title", "progress", "lanes", "page"]) this.swap(name, drawn[name]);
    document.title = `${drawn.title} · ${drawn.progress}`;
    const { id, version } = this.data;
    this.now = JSON.parse(drawn.kept);
    room?.progress(this.now);
    const { link, begun } = this.now; // the address is that of the run, and the way back leads to the run before
    if (link && link !== this.link) history[(this.begun ?? begun) === begun ? "replaceState" : "pushState"](null, "", link);
    [this.link, this.begun] = [link, begun];
    kept.set(keyOf(id), JSON.stringify({ version, seed: this.seed, ...this.now }));
    document.documentElement.dataset.firedrill = drawn.running ? "running" : "ready";
    if (!drawn.running) {
      this.faster = this.since = null;
      return;
    }
    const at = performance.now();
    const passed = at - (this.since ?? at);
    this.since = at;
    // A walk and a shift come to a moment at which they wait; a lab goes on.
    const moves = this.data.kind === "lab" || !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const still = this.faster || !moves;
    const asked = still ? "Faster" : { Passed: passed };
    clearTimeout(this.timer); // however many answers come, time passes once
    this.timer = setTimeout(() => this.ask({ [this.data.kind]: asked }), still ? 0 : 60);
  }

  // Replaces a part that has changed. What was chosen or typed and not committed stays, and so does what was unfolded.
  swap(name, html) {
    if (this.parts[name] === html) return;
    this.parts[name] = html;
    const element = document.getElementById("fd-" + name);
    const fields = () => [...element.querySelectorAll("[name=answer]")];
    const nameOf = (field) => field.form.dataset.answer + (field.type === "radio" ? field.value : "");
    const own = (field) => (field.type === "radio" ? field.checked : field.value !== field.defaultValue);
    const before = new Map(fields().filter(own).map((field) => [nameOf(field), field.value]));
    const unfolded = [...element.querySelectorAll("details")].map((details) => details.open);
    const at = element.contains(document.activeElement) ? document.activeElement.id : "";
    element.innerHTML = html;
    element.querySelectorAll("details").forEach((details, i) => { details.open = unfolded[i] ?? false; });
    if (at) document.getElementById(at)?.focus({ preventScroll: true });
    if (name !== "page") return;
    const focus = [...element.querySelectorAll("[data-focus]")];
    const key = focus.map((found) => found.dataset.focus).join();
    if (this.focus === key) {
      for (const field of fields().filter((field) => before.has(nameOf(field)))) {
        if (field.type === "radio") field.checked = true;
        else field.value = before.get(nameOf(field));
      }
    }
    if (this.focus !== null && this.focus !== key) focus.at(-1)?.focus();
    this.focus = key;
  }

  key(event) {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || this.failed) return;
    const types = target.matches?.("input[type=number]") && key !== "Enter";
    const moves = target.matches?.("input") && key.startsWith("Arrow");
    const own = target.closest?.("button, a, summary") && (key === "Enter" || key === " ");
    if (types || moves || own) return;
    const found = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!found) return;
    event.preventDefault();
    found.click();
    if (found.matches("input")) found.focus();
  }

  say(text) {
    document.getElementById("fd-status").textContent = text;
  }
}

// Progress of the walks that were begun in this browser.
for (const row of document.querySelectorAll("[data-walk]")) {
  const progress = keptOf(row.dataset.walk)?.progress;
  if (!progress?.pages) continue;
  row.textContent = progress.finished ? `✔ ${progress.right} of ${progress.answered} right` : `page ${progress.pages}`;
}
const data = document.getElementById("fd-walk");
if (data) {
  const live = new Live(JSON.parse(data.textContent));
  live.open().catch((error) => live.fails(error));
}
