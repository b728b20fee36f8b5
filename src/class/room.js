// The room of a class beside a walk: shows the panel that the hub sends, and sends what is done here.
"use strict";

globalThis.firedrillRoom = (() => {
  const panel = document.getElementById("fd-room");
  const { seed, level, of, keep, page, reports } = panel.dataset;
  const unsent = new Map(); // by kind: only the newest of a kind matters
  let [state, walk, shown, sending, leaving, followed] = [null, null, "", false, false, ""];
  const said = document.getElementById("fd-said");
  document.querySelector("main").before(panel, said);
  function remark(text) {
    said.textContent = text;
    said.hidden = !text;
  }

  // A message that could not be sent is sent when the connection is back. Sent twice, it counts once.
  async function send() {
    if (sending) return;
    sending = true;
    try {
      while (unsent.size) {
        const [kind, body] = unsent.entries().next().value;
        const answer = await fetch("/class/say", { method: "POST", headers: { "content-type": "application/json" }, body,
          signal: AbortSignal.timeout(10000) });
        if (unsent.get(kind) === body) unsent.delete(kind);
        if (answer.status === 401) location.assign("/");
        remark(answer.ok ? "" : await answer.text());
      }
    } catch {
      // The hub is away. A presenter presses again: the same step may not be the one to take then.
      remark(said.dataset.lost);
      if (reports !== "true") unsent.clear();
      else setTimeout(send, 2000);
    }
    sending = false;
  }
  function say(message) {
    unsent.set(Object.keys(message)[0], JSON.stringify(message));
    send();
  }

  function show() {
    const html = (state.error ? `<p class="fd-remark" role="alert"></p>` : "") + state.panel;
    if (html !== shown) {
      shown = html;
      const unfolded = new Map([...panel.querySelectorAll("details[id]")].map(({ id, open }) => [id, open]));
      const focus = document.activeElement?.dataset?.post;
      panel.innerHTML = html;
      for (const details of panel.querySelectorAll("details[id]")) details.open = unfolded.get(details.id) ?? details.open;
      if (state.error) panel.querySelector("[role=alert]").textContent = state.error;
      if (focus) panel.querySelector(`[data-post="${CSS.escape(focus)}"]`)?.focus();
    }
    if (leaving) return;
    leaving = state.at && state.at !== location.pathname;
    if (leaving) location.assign(state.at);
    else follow();
  }
  function follow() {
    if (!walk || !state?.place || state.incident !== page) return;
    const place = JSON.stringify(state.place);
    if (followed !== place) walk.input({ Follow: state.place });
    followed = place;
  }

  panel.addEventListener("click", (event) => {
    const { post, asks } = event.target.closest("[data-post]")?.dataset ?? {};
    if (post && (!asks || confirm(asks))) say(JSON.parse(post));
  });
  const events = new EventSource("/class/events");
  events.onopen = () => {
    remark("");
    send();
  };
  events.onerror = () => {
    if (events.readyState === EventSource.CLOSED) location.assign("/");
    else remark(said.dataset.lost);
  };
  events.onmessage = ({ data }) => {
    state = JSON.parse(data);
    show();
  };

  return {
    seed: Number(seed), level: Number(level), of: of?.split(","), keep,
    opened(opened) {
      walk = opened;
      follow();
    },
    // Takes an answer to the question on this page as a vote while a vote is open; false where the class does not lead.
    votes(answer, at) {
      if (!state?.place?.votes || state.incident !== page) return false;
      // The page of the vote is not drawn yet.
      if (at === state.vote.page) say({ Vote: { ...state.vote, answer } });
      return true;
    },
    progress({ progress, on_call }) {
      if (reports !== "true") return;
      const { last_page, hints, answered, right, last_finished } = progress ?? {};
      const message = on_call ? { OnCall: on_call }
        : { Progress: { incident: page, page: last_page, hints, answered, right, finished: last_finished } };
      if (this.last !== JSON.stringify(message)) say(message);
      this.last = JSON.stringify(message);
    },
  };
})();
