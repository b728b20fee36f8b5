// Pages of the book: charts that run the incident's own code, numbers that can be changed in a sentence, and
// questions. Without this script all of it stands there as it was computed when the book was built.

// Runs the lanes side by side, and has the first worker draw what they said.
async function run(asked, wanted, heapScale) {
  const lanes = asked.variants.map((_, lane) =>
    work(lane, { lane: { manifests, run: asked, lane, heap_scale: heapScale } }));
  const said = await Promise.all(lanes);
  const rest = said.map((text) => text.trimEnd()).join("\n\n");
  return JSON.parse(await work(0, { draw: { manifests, run: asked, wanted } }, { rest }));
}

const digits = (value) => {
  const size = Math.abs(value);
  const text = size >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return text.toLocaleString("en-US");
};

// A slider has a thousand steps, even ones in what it is multiplied by: parameters reach from 1 to 10,000.
const STEPS = 1000;
const place = ({ min, max }, value) =>
  Math.round((STEPS * Math.log(Math.max(value, min) / min)) / Math.log(max / min));
function valueAt({ min, max }, step) {
  const value = min * (max / min) ** (step / STEPS);
  const unit = 10 ** Math.max(Math.floor(Math.log10(value)) - 1, -2);
  return Math.min(max, Math.max(min, Math.round(value / unit) * unit));
}

const all = new Map(); // what can be changed, by the name of its run

class Live {
  constructor(name, block) {
    this.name = name;
    this.block = block;
    this.data = JSON.parse(block.querySelector("script").textContent);
    this.charts = block.querySelector(".fd-charts");
    this.table = block.querySelector(".fd-table");
    this.status = block.querySelector(".fd-status");
    this.figures = [...document.querySelectorAll(`.fd-figure[data-run="${name}"]`)];
    this.drags = [...document.querySelectorAll(`.fd-drag[data-run="${name}"]`)];
    this.begin = { charts: this.charts.innerHTML, lanes: this.table.innerHTML,
      figures: this.figures.map((figure) => figure.textContent) };
    this.asked = { params: {}, ...structuredClone(this.data.run) };
    this.wanted = { charts: this.data.charts, figures: this.figures.map((f) => f.dataset.figure) };
    this.controls();
    for (const drag of this.drags) this.draggable(drag);
  }

  // The sliders of its parameters, and the choice of its forms.
  controls() {
    const box = document.createElement("div");
    box.className = "fd-controls";
    this.sliders = new Map();
    for (const knob of this.data.knobs) {
      const label = document.createElement("label");
      const text = document.createElement("span");
      text.textContent = knob.says;
      const slider = document.createElement("input");
      const out = document.createElement("output");
      // A key moves it by a hundredth of its way: less would be rounded away.
      Object.assign(slider, { type: "range", min: 0, max: STEPS, step: this.data.steps ? 1 : STEPS / 100 });
      if (this.data.steps) {
        // Runs that were made beforehand: one after the other.
        const values = this.data.steps[knob.name].map(([value]) => value);
        Object.assign(slider, { max: values.length - 1 });
        knob.at = (value) => values.indexOf(value);
        knob.value = (step) => values[step];
      } else {
        knob.at = (value) => place(knob, value);
        knob.value = (step) => valueAt(knob, step);
      }
      slider.setAttribute("aria-label", knob.says);
      slider.addEventListener("input", () => this.set(knob, knob.value(Number(slider.value))));
      label.append(text, slider, out);
      box.append(label);
      this.sliders.set(knob.name, { knob, slider, out });
    }
    if (!this.data.steps && this.data.forms.length > 1) {
      const forms = document.createElement("fieldset");
      forms.append(Object.assign(document.createElement("legend"), { textContent: "lanes, up to four" }));
      for (const form of this.data.forms) {
        const label = document.createElement("label");
        const box = Object.assign(document.createElement("input"), { type: "checkbox", value: form });
        box.checked = this.asked.variants.includes(form);
        box.addEventListener("change", () => this.choose(form, box));
        label.append(box, " " + form);
        forms.append(label);
      }
      box.append(forms);
      this.forms = forms;
    }
    const again = Object.assign(document.createElement("button"), { type: "button", textContent: "reset" });
    again.addEventListener("click", () => this.reset());
    box.append(again);
    if (globalThis.FIREDRILL_SERVED) {
      const open = Object.assign(document.createElement("button"),
        { type: "button", textContent: "open in the lab" });
      open.addEventListener("click", () => this.openLab());
      box.append(open);
    }
    this.charts.before(box);
    this.show();
  }

  value(name) {
    return name === "rate_per_s" ? this.asked.rate_per_s
      : this.asked.params[name] ?? this.data.knobs.find((knob) => knob.name === name).own;
  }

  set(knob, value) {
    if (!Number.isFinite(value)) return;
    if (this.data.steps) this.asked = structuredClone(this.data.run); // each step changes one thing
    if (knob.name === "rate_per_s") this.asked.rate_per_s = value;
    else this.asked.params[knob.name] = value;
    this.changed();
  }

  choose(form, box) {
    const chosen = [...this.forms.querySelectorAll("input:checked")].map((input) => input.value);
    if (chosen.length === 0 || chosen.length > 4) {
      box.checked = !box.checked;
      this.say("one to four lanes");
      return;
    }
    this.asked.variants = chosen;
    this.changed();
  }

  reset() {
    this.asked = { params: {}, ...structuredClone(this.data.run) };
    for (const input of this.forms?.querySelectorAll("input") ?? []) {
      input.checked = this.asked.variants.includes(input.value);
    }
    this.draw(this.begin);
    this.wants = null;
    this.show();
    this.say("computed when the book was built");
  }

  // What the sliders and the numbers in sentences say.
  show() {
    for (const { knob, slider, out } of this.sliders.values()) {
      const value = this.value(knob.name);
      // What is being moved stays where it is.
      if (document.activeElement !== slider) slider.value = knob.at(value);
      out.textContent = digits(value) + (knob.unit ? " " + knob.unit : "");
      slider.setAttribute("aria-valuetext", out.textContent);
    }
    for (const drag of this.drags) {
      if (document.activeElement !== drag) drag.value = this.value(drag.dataset.param);
    }
  }

  changed() {
    this.show();
    this.wants = structuredClone(this.asked);
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.go(), 40);
  }

  // Runs what is wanted now; what was wanted meanwhile comes after it.
  async go() {
    if (this.busy || !this.wants) return;
    this.busy = true;
    while (this.wants) {
      const asked = this.wants;
      this.wants = null;
      try {
        const began = performance.now();
        if (this.data.steps) {
          this.draw(this.step(asked));
          this.say("a run from the build of the book");
        } else {
          if (!module) { this.say("loading …"); await load(); }
          this.draw(await run(asked, this.wanted, this.data.heap_scale));
          const ms = performance.now() - began;
          this.block.dataset.ms = ms.toFixed(1);
          this.say(`${asked.variants.length} lanes of ${digits(asked.duration_ms / 1000)} s, run here in ${digits(ms)} ms`);
        }
      } catch (error) {
        this.say("cannot run in this browser (" + error.message.split("\n")[0] + "); the command below runs it");
      }
    }
    this.busy = false;
  }

  step(asked) {
    for (const [name, steps] of Object.entries(this.data.steps)) {
      const value = name === "rate_per_s" ? asked.rate_per_s : asked.params?.[name];
      const own = this.data.knobs.find((knob) => knob.name === name).own;
      const found = steps.find(([at]) => at === value);
      if (value !== undefined && value !== own && found?.[1]) return found[1];
    }
    return this.begin;
  }

  draw({ charts, lanes, figures }) {
    this.charts.innerHTML = charts;
    this.table.innerHTML = lanes;
    this.figures.forEach((figure, i) => {
      figure.classList.toggle("fd-changed", figures[i] !== this.begin.figures[i]);
      figure.textContent = figures[i];
    });
    this.block.dataset.drawn = Number(this.block.dataset.drawn ?? 0) + 1;
  }

  say(text) {
    this.status.textContent = text;
    const { run } = this.data;
    const sets = Object.entries(this.asked.params).map(([name, value]) => ` --set ${name}=${value}`).join("");
    this.block.querySelector(".fd-command code").textContent =
      `firedrill run ${run.incident} --clock virtual --variants ${this.asked.variants.join(",")}` +
      ` --rate ${this.asked.rate_per_s} --seed ${run.seed} --for ${run.duration_ms / 1000}s${sets}`;
  }

  // A number in a sentence: typed, or drawn sideways.
  draggable(drag) {
    const knob = this.sliders.get(drag.dataset.param)?.knob;
    // Of runs that were made beforehand there are only a few.
    if (!knob || this.data.steps) return;
    drag.disabled = false;
    drag.addEventListener("input", () => {
      const value = Number(drag.value);
      if (value >= knob.min && value <= knob.max) this.set(knob, value);
    });
    drag.addEventListener("pointerdown", (down) => {
      const from = place(knob, this.value(knob.name));
      const move = (to) => {
        const step = Math.min(STEPS, Math.max(0, from + 2 * (to.clientX - down.clientX)));
        drag.value = valueAt(knob, step);
        this.set(knob, valueAt(knob, step));
      };
      const up = () => removeEventListener("pointermove", move);
      addEventListener("pointermove", move);
      addEventListener("pointerup", up, { once: true });
    });
  }

  async openLab() {
    const answer = await fetch("/firedrill/lab", {
      method: "POST",
      headers: { "content-type": "application/json", "x-firedrill": globalThis.FIREDRILL_SERVED },
      body: JSON.stringify(this.asked),
    });
    this.say(await answer.text());
  }
}

// Questions: committed to before the answer is there, kept in this browser.
function quiz(form) {
  const answer = form.querySelector(".fd-answer");
  const key = "firedrill:" + form.dataset.question;
  const commit = form.querySelector("button[type=submit]");
  const tell = (right, words) => {
    form.dataset.state = right === null ? "told" : right ? "right" : "wrong";
    form.querySelector(".fd-word").textContent = words;
    answer.hidden = false;
    commit.disabled = true;
    for (const input of form.querySelectorAll("input")) input.disabled = true;
  };
  const show = (said) => {
    const number = form.querySelector("input[type=number]");
    if (number) {
      // The browser says whether an answer is within the bounds that were computed with the figures of the run.
      [number.min, number.max, number.value] = [number.dataset.from, number.dataset.to, said];
      const right = number.value !== "" && number.validity.valid;
      return tell(right, `Your answer: ${said}. ${right ? "✔" : "✖"}`);
    }
    const chosen = form.querySelector(`input[value="${CSS.escape(said)}"]`);
    if (!chosen) return;
    chosen.checked = true;
    const right = chosen.dataset.right === "true";
    tell(right, `${right ? "✔" : "✖"} ${chosen.dataset.says}`);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const said = new FormData(form).get("answer");
    if (said === null || said === "") return;
    kept.set(key, said);
    show(said);
    answer.focus();
  });
  form.addEventListener("reset", () => {
    kept.remove(key);
    answer.hidden = true;
    commit.disabled = false;
    delete form.dataset.state;
    for (const input of form.querySelectorAll("input")) {
      input.disabled = false;
      input.removeAttribute("min");
      input.removeAttribute("max");
    }
  });
  for (const button of form.querySelectorAll("button")) button.hidden = false;
  answer.hidden = true;
  const before = kept.get(key);
  if (before !== null) show(before);
}

// It is loaded by the page, whenever that comes to it.
function begin() {
  for (const block of document.querySelectorAll(".fd-live")) {
    all.set(block.dataset.run, new Live(block.dataset.run, block));
  }
  for (const form of document.querySelectorAll("form.fd-question")) quiz(form);
  document.documentElement.dataset.firedrill = "ready";
}
if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin);
else begin();
