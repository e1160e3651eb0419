// The page of one document: pages of scan and text that come as they are scrolled to, what is lit, and mending.
"use strict";

const desk = JSON.parse(document.getElementById("desk").textContent);
const said = desk.said;
const main = document.getElementById("main");
const scan = document.getElementById("scan");
const text = document.getElementById("text");
const card = document.getElementById("card");
const toast = document.getElementById("toast");
const SVG = "http://www.w3.org/2000/svg";
const DOUBTFUL = ["correction", "doubt", "unlike", "number", "warning", "dropped"];
let seal = desk.seal;
let now = null;
let zoom = 1;
let busy = false;

const sheets = new Map([...scan.querySelectorAll(".sheet")].map((one) => [Number(one.dataset.page), one]));
const leaves = [...text.querySelectorAll(".leaf")];
const leafOf = (page) => leaves.find((one) => Number(one.dataset.page) === page);

function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null) made.setAttribute(key, value);
  }
  made.append(...children.filter((one) => one !== null));
  return made;
}

function say(message, { bad = false, button = null } = {}) {
  toast.className = bad ? "bad" : "";
  toast.replaceChildren(message, ...(button ? [button] : []));
  clearTimeout(say.timer);
  if (!bad) say.timer = setTimeout(() => toast.replaceChildren(), 4000);
}

const stay = {
  get: (name) => { try { return localStorage.getItem(name); } catch { return null; } },
  set: (name, value) => { try { localStorage.setItem(name, value); } catch { /* a browser that keeps nothing */ } },
};

// What is lit

const lights = new Map([...document.querySelectorAll(".light")].map((one) => [one.dataset.light, one]));
const isLit = (light) => lights.get(light).getAttribute("aria-pressed") === "true";

function light(name, on) {
  lights.get(name).setAttribute("aria-pressed", String(on));
  main.classList.toggle(`show-${name}`, on);
  stay.set(`lit-${name}`, on ? "1" : "0");
}

for (const [name, button] of lights) {
  const kept = stay.get(`lit-${name}`);
  light(name, kept === null ? button.getAttribute("aria-pressed") === "true" : kept === "1");
  button.addEventListener("click", () => {
    light(name, !isLit(name));
    for (const page of sheets.keys()) drawBoxes(page);
  });
}

// Pages that come when they are scrolled to

const loading = new Map();

function load(leaf) {
  const body = leaf.querySelector(".body");
  if (body.getAttribute("aria-busy") !== "true") return Promise.resolve();
  if (!loading.has(leaf)) {
    loading.set(leaf, (async () => {
      try {
        const answer = await fetch(body.dataset.src, { headers: { "X-Seal": seal } });
        if (answer.status === 409) return stale(said.changed);
        if (!answer.ok) throw new Error(String(answer.status));
        body.innerHTML = await answer.text();
        body.setAttribute("aria-busy", "false");
        const page = Number(leaf.dataset.page);
        for (const number of new Set([page, ...[...body.querySelectorAll("[data-b]")].flatMap((one) => spots(one).map((spot) => spot.page))])) drawBoxes(number);
      } catch {
        body.replaceChildren(element("p", { class: "empty" }, said.unreachable, " ", element("button", { type: "button", onclick: () => load(leaf) }, said.again)));
      } finally {
        loading.delete(leaf);
      }
    })());
  }
  return loading.get(leaf);
}

function show(image) {
  if (image.src && image.dataset.zoomed === String(zoom > 1.3)) return;
  image.dataset.zoomed = String(zoom > 1.3);
  image.src = image.dataset.src + (zoom > 1.3 ? "&reduced=1" : "");
}

for (const sheet of sheets.values()) {
  const image = sheet.querySelector("img");
  if (!image) continue;
  image.addEventListener("load", () => {
    const reduced = image.dataset.zoomed === "true" ? 1 : 2;
    const paper = sheet.querySelector(".paper");
    paper.classList.remove("failed");
    paper.style.aspectRatio = `${image.naturalWidth} / ${image.naturalHeight}`;
    sheet.querySelector("svg").setAttribute("viewBox", `0 0 ${image.naturalWidth * reduced} ${image.naturalHeight * reduced}`);
    sheet.querySelector("svg").setAttribute("preserveAspectRatio", "none");
    drawBoxes(Number(sheet.dataset.page));
    if (now && spots(now)[0]?.page === Number(sheet.dataset.page)) bringPlace(spots(now)[0]);
  });
  image.addEventListener("error", () => {
    const paper = sheet.querySelector(".paper");
    paper.dataset.why = said.noPicture;
    paper.classList.add("failed");
  });
}

const nearText = new IntersectionObserver((seen) => seen.filter((one) => one.isIntersecting).forEach((one) => load(one.target)), { root: text, rootMargin: "600px 0px" });
leaves.forEach((one) => nearText.observe(one));
const nearScan = new IntersectionObserver((seen) => seen.forEach((one) => {
  one.target.classList.toggle("near", one.isIntersecting);
  const image = one.target.querySelector("img");
  if (one.isIntersecting && image) show(image);
}), { root: scan, rootMargin: "400px 0px" });
sheets.forEach((one) => nearScan.observe(one));

// Places

function spots(one) {
  return (one.dataset.b || "").split(";").filter(Boolean).map((told) => {
    const [page, left, top, right, bottom] = told.split(",").map(Number);
    return { page, left, top, right, bottom };
  });
}

function lightOf(one) {
  if (one.classList.contains("remark")) return one.classList.contains("warning") ? "warning" : "dropped";
  return DOUBTFUL.find((name) => one.classList.contains(name) && isLit(name)) || null;
}

function drawBoxes(page) {
  const sheet = sheets.get(page);
  const svg = sheet?.querySelector("svg");
  if (!svg) return;
  const drawn = [];
  for (const one of text.querySelectorAll("mark[data-b], .remark[data-b], .now[data-b]")) {
    const kind = lightOf(one);
    if (one !== now && (!kind || !isLit(kind))) continue;
    for (const spot of spots(one)) {
      if (spot.page !== page) continue;
      const rect = document.createElementNS(SVG, "rect");
      rect.setAttribute("x", spot.left - 4);
      rect.setAttribute("y", spot.top - 3);
      rect.setAttribute("width", spot.right - spot.left + 8);
      rect.setAttribute("height", spot.bottom - spot.top + 6);
      rect.setAttribute("rx", 4);
      rect.setAttribute("class", `${kind || ""}${one === now ? " now" : ""}`);
      rect.dataset.b = `${spot.page},${spot.left},${spot.top},${spot.right},${spot.bottom}`;
      drawn.push(rect);
    }
  }
  svg.replaceChildren(...drawn);
}

function bringPlace(spot) {
  const sheet = sheets.get(spot.page);
  const svg = sheet?.querySelector("svg");
  if (!sheet || !svg) return;
  const box = svg.getAttribute("viewBox")?.split(" ").map(Number);
  const paper = sheet.querySelector(".paper").getBoundingClientRect();
  const pane = scan.getBoundingClientRect();
  const at = box ? ((spot.top + spot.bottom) / 2 / box[3]) * paper.height : 0;
  const across = box ? ((spot.left + spot.right) / 2 / box[2]) * paper.width : 0;
  const top = paper.top - pane.top + at;
  const left = paper.left - pane.left + across;
  follow.quiet(scan);
  if (top < 60 || top > pane.height - 60) scan.scrollTop += top - pane.height * 0.4;
  if (left < 40 || left > pane.width - 40) scan.scrollLeft += left - pane.width / 2;
}

function bringText(one) {
  const pane = text.getBoundingClientRect();
  const box = one.getBoundingClientRect();
  // The card must not lie over the word it tells of.
  const bottom = card.hidden ? pane.bottom : Math.min(pane.bottom, card.getBoundingClientRect().top);
  follow.quiet(text);
  if (box.top < pane.top + 20 || box.bottom > bottom - 20) text.scrollTop += box.top - pane.top - (bottom - pane.top) * 0.35;
}

function choose(one, { focus = false, open = true } = {}) {
  const before = now;
  now?.classList.remove("now");
  now = one;
  one?.classList.add("now");
  for (const page of new Set([...(before ? spots(before) : []), ...(one ? spots(one) : [])].map((spot) => spot.page))) drawBoxes(page);
  if (!one) return hideCard();
  if (one.closest("details")) one.closest("details").open = true;
  if (open) showCard(one);
  bringText(one);
  if (spots(one).length) bringPlace(spots(one)[0]);
  if (focus) {
    if (!one.hasAttribute("tabindex")) one.setAttribute("tabindex", "-1");
    one.focus({ preventScroll: true });
  }
}

text.addEventListener("click", async (event) => {
  const reference = event.target.closest("sup.ref a");
  const back = event.target.closest("a.label");
  if (reference || back) {
    event.preventDefault();
    return go(reference ? `note-${reference.dataset.note}` : `ref-${back.dataset.ref}`, back);
  }
  const handle = event.target.closest(".handle");
  if (handle) return showBlock(handle.closest(".block"));
  const tie = event.target.closest("button.tie");
  if (tie) return beginTie(tie.dataset.label);
  const fact = event.target.closest("button.mend");
  if (fact) return showFact(fact);
  const one = event.target.closest(".w, .remark, dd[data-b]");
  if (one && !String(getSelection()).trim()) {
    if (tying && one.classList.contains("w")) return endTie(one);
    choose(one);
  }
});

async function go(id, back) {
  let target = document.getElementById(id);
  if (!target) {
    const page = leaves.find((leaf) => leaf.querySelector(`[data-label="${CSS.escape(id.replace("note-", ""))}"]`));
    for (const leaf of page ? [page] : leaves) {
      await load(leaf);
      if ((target = document.getElementById(id))) break;
    }
  }
  if (!target) return;
  bringText(target);
  target.classList.add("found");
  setTimeout(() => target.classList.remove("found"), 1500);
  (target.matches("a") ? target : target.querySelector("a"))?.focus({ preventScroll: true });
}

scan.addEventListener("click", async (event) => {
  const svg = event.target.closest("svg.boxes");
  if (!svg) return;
  const page = Number(svg.closest(".sheet").dataset.page);
  const box = svg.getAttribute("viewBox")?.split(" ").map(Number);
  if (!box) return;
  const place = svg.getBoundingClientRect();
  const x = ((event.clientX - place.left) / place.width) * box[2];
  const y = ((event.clientY - place.top) / place.height) * box[3];
  // A paragraph that goes over the end of a page stands where it begins.
  for (const number of [page - 1, page]) if (leafOf(number)) await load(leafOf(number));
  let best = null;
  let least = 60 * 60;
  for (const one of text.querySelectorAll("[data-b]")) {
    for (const spot of spots(one)) {
      if (spot.page !== page) continue;
      const across = Math.max(spot.left - x, 0, x - spot.right);
      const down = Math.max(spot.top - y, 0, y - spot.bottom);
      const far = across * across + 4 * down * down + (one.classList.contains("w") ? 0 : 1);
      if (far < least) [best, least] = [one, far];
    }
  }
  if (best) choose(best);
});

// Scrolled together: the same share of the same page

const follow = { by: null, until: 0, quiet(pane) { this.by = pane; this.until = Date.now() + 250; } };

function scrolled(pane, parts, other, others) {
  if (follow.by !== null && Date.now() < follow.until && follow.by !== pane) return;
  if (follow.by === pane && Date.now() < follow.until) return;
  const top = pane.getBoundingClientRect().top + pane.clientHeight * 0.25;
  const at = parts.findLast((one) => one.getBoundingClientRect().top <= top) || parts[0];
  const twin = at && others.get(Number(at.dataset.page));
  if (!twin) return;
  const box = at.getBoundingClientRect();
  const share = Math.min(1, Math.max(0, (top - box.top) / box.height));
  const target = twin.getBoundingClientRect();
  const want = target.top + share * target.height;
  follow.by = other;
  follow.until = Date.now() + 120;
  other.scrollTop += want - (other.getBoundingClientRect().top + other.clientHeight * 0.25);
}

const listOfSheets = [...sheets.values()];
const leafByPage = new Map(leaves.map((one) => [Number(one.dataset.page), one]));
scan.addEventListener("scroll", () => scrolled(scan, listOfSheets, text, leafByPage), { passive: true });
text.addEventListener("scroll", () => scrolled(text, leaves, scan, sheets), { passive: true });

// From one doubtful place to the next

function candidates(leaf) {
  const lit = DOUBTFUL.filter(isLit);
  return [...leaf.querySelectorAll("mark.w, .remark")].filter((one, index, all) => {
    const kinds = one.classList.contains("remark") ? [lightOf(one)] : DOUBTFUL.filter((name) => one.classList.contains(name));
    // Words of one correction are one place.
    if (one.dataset.c && index && all[index - 1].dataset.c === one.dataset.c) return false;
    return kinds.some((name) => lit.includes(name));
  });
}

const holds = (leaf) => Object.entries(JSON.parse(leaf.dataset.counts)).some(([name, count]) => count && isLit(name));

async function step(forward) {
  const order = forward ? leaves : [...leaves].reverse();
  let from = now?.isConnected && now.closest(".leaf");
  if (!from) {
    const top = text.getBoundingClientRect().top;
    from = leaves.findLast((one) => one.getBoundingClientRect().top <= top + 40) || leaves[0];
  }
  let begin = order.indexOf(from);
  for (let index = begin; index < order.length; index++) {
    const leaf = order[index];
    if (!holds(leaf)) continue;
    await load(leaf);
    let places = candidates(leaf);
    if (!forward) places.reverse();
    if (leaf === from && now?.isConnected && leaf.contains(now)) {
      const follows = forward ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING;
      places = places.filter((one) => one !== now && now.compareDocumentPosition(one) & follows && !(now.dataset.c && one.dataset.c === now.dataset.c));
    }
    if (places.length) return choose(places[0], { focus: true });
  }
  say(forward ? said.last : said.first);
}

document.getElementById("next").addEventListener("click", () => step(true));
document.getElementById("earlier").addEventListener("click", () => step(false));

// How large the page is shown

function resize(to) {
  zoom = Math.min(4, Math.max(0.5, to));
  const share = scan.scrollHeight ? scan.scrollTop / scan.scrollHeight : 0;
  for (const sheet of sheets.values()) {
    sheet.style.width = `${zoom * 100}%`;
    const image = sheet.querySelector("img");
    if (image?.src && sheet.classList.contains("near")) show(image);
  }
  follow.quiet(scan);
  scan.scrollTop = share * scan.scrollHeight;
  document.getElementById("zoom").textContent = `${Math.round(zoom * 100)} %`;
  if (now && spots(now).length) bringPlace(spots(now)[0]);
}

document.getElementById("larger").addEventListener("click", () => resize(zoom * 1.25));
document.getElementById("smaller").addEventListener("click", () => resize(zoom / 1.25));
document.getElementById("fit").addEventListener("click", () => resize(1));

// The card of a word, a paragraph or a fact

function hideCard() {
  card.hidden = true;
  card.replaceChildren();
}

function openCard(title, ...children) {
  const close = element("button", { type: "button", class: "close", "aria-label": said.close, onclick: () => { hideCard(); now?.focus?.(); } }, "×");
  card.replaceChildren(element("h3", {}, title), close, ...children);
  card.hidden = false;
}

const whereOf = (one) => one.closest("[data-where]").dataset.where;

function correctionOf(one) {
  if (!one.dataset.c) return null;
  const all = JSON.parse(one.closest(".body").querySelector("script.facts").textContent);
  return all[one.dataset.c] || null;
}

function showCard(one) {
  if (!one.classList.contains("w")) {
    return one.matches("dd") ? hideCard() : openCard(one.classList.contains("warning") ? said.warning : said.leftOut, element("p", {}, one.textContent.replace(/^\s*!\s*/, "")));
  }
  const parts = [];
  const correction = correctionOf(one);
  if (correction) {
    parts.push(element("p", { class: "change" }, element("del", {}, correction.before || "∅"), " → ", element("ins", {}, correction.after || "∅")));
    parts.push(element("p", { class: "why" }, fill(said.sure, { share: (Math.round(correction.probability * 1000) / 10).toLocaleString(document.documentElement.lang) }), " ", correction.evidence));
  }
  if (one.dataset.second) parts.push(element("p", {}, fill(said.second, { second: one.dataset.second, first: one.dataset.t })));
  if (one.dataset.sure) parts.push(element("p", { class: "why" }, fill(said.read, { share: Math.round(Number(one.dataset.sure)) })));
  if (desk.writable) {
    const choices = element("div", { class: "choices" });
    if (correction) choices.append(element("button", { type: "button", id: "take-back", "aria-keyshortcuts": "t", onclick: () => takeBack(one, correction) }, fill(said.takeBack, { before: correction.before || "∅" }), element("kbd", {}, "t")));
    if (one.dataset.second) choices.append(element("button", { type: "button", onclick: () => replaceWord(one, one.dataset.second) }, fill(said.use, { text: one.dataset.second })));
    const input = element("input", { value: one.dataset.t, "aria-label": said.word, autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: 500 });
    const form = element("form", {}, input, element("button", { class: "strong" }, said.save));
    form.addEventListener("submit", (event) => { event.preventDefault(); replaceWord(one, input.value); });
    parts.push(choices, form);
    const block = one.closest("[data-where]");
    parts.push(element("p", {}, element("button", { type: "button", onclick: () => editText(block) }, said.paragraph, element("kbd", {}, "e")), " ", block.classList.contains("block") && !block.querySelector("table") && Number(one.dataset.o) > 0 ? element("button", { type: "button", onclick: () => send([{ kind: "part", where: whereOf(one), start: Number(one.dataset.o) }]) }, said.part) : null));
  }
  openCard(one.dataset.t, ...parts);
}

function plainOf(block) {
  // The text as published: its words with one sign between two of them.
  let out = "";
  for (const one of block.querySelectorAll(".w")) out = out.padEnd(Number(one.dataset.o), " ") + one.dataset.t;
  return out;
}

function editText(block) {
  const before = plainOf(block);
  const area = element("textarea", { "aria-label": said.paragraph, spellcheck: "false", rows: 6 });
  area.value = before;
  const form = element("form", {}, area, element("button", { class: "strong" }, said.save), element("button", { type: "button", onclick: () => { hideCard(); } }, said.cancel));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const after = area.value.replace(/\s+/g, " ").trim();
    if (after === before) return hideCard();
    send([changed(block.dataset.where, before, after)]);
  });
  area.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(); });
  openCard(said.paragraph, form);
  area.focus();
}

function changed(where, before, after) {
  // Of two texts, the whole words in which they differ.
  let begin = 0;
  while (begin < before.length && begin < after.length && before[begin] === after[begin]) begin++;
  let tail = 0;
  while (tail < before.length - begin && tail < after.length - begin && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  while (begin > 0 && before[begin - 1] !== " ") begin--;
  while (tail > 0 && before[before.length - tail] !== " ") tail--;
  return { kind: "text", where, start: begin, before: before.slice(begin, before.length - tail), after: after.slice(begin, after.length - tail) };
}

function replaceWord(one, value) {
  const after = value.replace(/\s+/g, " ").trim();
  if (after === one.dataset.t) return hideCard();
  send([{ kind: "text", where: whereOf(one), start: Number(one.dataset.o), before: one.dataset.t, after }]);
}

function takeBack(one, correction) {
  send([{ kind: "take_back", where: correction.where, start: correction.start, before: correction.after, after: correction.before }]);
}

const typed = (type, level) => (Number(level) ? `${type} ${Number(level)}` : type);

function showBlock(block) {
  const { where, type, level } = block.dataset;
  const kinds = element("select", { "aria-label": said.kind });
  for (const [name, label] of Object.entries(desk.types)) kinds.append(new Option(label, name, false, name === type));
  const depth = element("input", { type: "number", min: 1, max: 9, value: level === "0" ? 1 : level, "aria-label": said.level });
  const hasLevel = () => ["heading", "list_item"].includes(kinds.value);
  depth.hidden = !hasLevel();
  kinds.addEventListener("change", () => { depth.hidden = !hasLevel(); });
  const form = element("form", {}, kinds, depth, element("button", { class: "strong" }, said.save));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send([{ kind: "type", where, start: 0, before: typed(type, level), after: typed(kinds.value, hasLevel() ? depth.value : 0) }]);
  });
  const buttons = element("div", { class: "choices" });
  buttons.append(element("button", { type: "button", onclick: () => editText(block) }, said.paragraph));
  if (!("last" in block.dataset)) buttons.append(element("button", { type: "button", onclick: () => send([{ kind: "join", where }]) }, said.join));
  openCard(said.thisParagraph, form, buttons);
  kinds.focus();
}

function showFact(button) {
  const { name, fact } = button.closest(".fact").dataset;
  const before = button.dataset.value;
  const many = name === "recipients";
  const input = element(many ? "textarea" : "input", { "aria-label": said.value, autocomplete: "off", spellcheck: "false", rows: many ? 7 : null });
  input.value = before;
  const form = element("form", {}, input, element("button", { class: "strong" }, said.save));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send([{ kind: "metadata", where: fact, start: 0, before, after: input.value.trim() }]);
  });
  const place = button.parentElement.querySelector("dd[data-b]");
  if (place) choose(place, { open: false });
  openCard(button.getAttribute("aria-label"), form);
  input.focus();
}

let tying = null;

function beginTie(label) {
  tying = label;
  say(fill(said.tie, { label }));
}

function endTie(one) {
  const label = tying;
  tying = null;
  send([{ kind: "tie", where: whereOf(one), start: Number(one.dataset.o) + one.dataset.t.length, before: "", after: `[^${label}]` }]);
}

// Saving

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "X-Nambat-Token": desk.token }, body: JSON.stringify(body) });
  let told = {};
  try { told = await answer.json(); } catch { /* no answer of ours */ }
  return { ok: answer.ok, status: answer.status, told };
}

function stale(message) {
  say(message, { bad: true, button: element("button", { type: "button", onclick: () => location.reload() }, said.reload) });
}

async function save(path, body, done) {
  if (busy) return;
  busy = true;
  main.setAttribute("aria-busy", "true");
  try {
    const { ok, status, told } = await post(path, { seen: seal, ...body });
    if (status === 409) return stale(told.message || said.changed);
    if (!ok) return say(told.message || said.unreachable, { bad: true });
    seal = told.seal;
    await renew(told);
    say(done);
  } catch {
    say(said.unreachable, { bad: true });
  } finally {
    busy = false;
    main.removeAttribute("aria-busy");
  }
}

const send = (edits) => save(`/documents/${desk.id}/edits`, { edits }, said.saved);
const undo = () => save(`/documents/${desk.id}/undo`, {}, said.undone);
const redo = () => save(`/documents/${desk.id}/redo`, {}, said.redone);

async function renew(told) {
  // Each page that is shown comes anew, in place; where the person was stays.
  const at = now?.isConnected && now.classList.contains("w") ? { where: whereOf(now), offset: Number(now.dataset.o) } : null;
  now = null;
  hideCard();
  document.getElementById("undo").disabled = !told.may_undo;
  document.getElementById("redo").disabled = !told.may_redo;
  for (const [name, count] of Object.entries(told.counts)) lights.get(name).querySelector(".count").textContent = count;
  for (const leaf of leaves) {
    leaf.dataset.counts = JSON.stringify(told.pages[leaf.dataset.page] || {});
    const body = leaf.querySelector(".body");
    if (body.getAttribute("aria-busy") === "true") continue;
    const answer = await fetch(body.dataset.src, { headers: { "X-Seal": seal } });
    if (answer.ok) body.innerHTML = await answer.text();
  }
  for (const fact of text.querySelectorAll(".fact")) {
    const { value, shown } = told.facts[fact.dataset.fact];
    fact.querySelector(".value").textContent = shown || "—";
    fact.querySelector(".mend").dataset.value = value;
  }
  for (const page of sheets.keys()) drawBoxes(page);
  if (at) {
    const words = [...text.querySelectorAll(`[data-where="${CSS.escape(at.where)}"] .w`)];
    const same = words.findLast((one) => Number(one.dataset.o) <= at.offset) || words[0];
    if (same) choose(same, { focus: true, open: false });
  }
}

document.getElementById("undo")?.addEventListener("click", undo);
document.getElementById("redo")?.addEventListener("click", redo);

// Keys

const keys = document.getElementById("keys");
document.getElementById("help").addEventListener("click", () => keys.showModal());

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  if (event.key === "Escape" && !keys.open) {
    if (!card.hidden) { hideCard(); now?.focus?.({ preventScroll: true }); event.preventDefault(); }
    tying = null;
    toast.replaceChildren();
    return;
  }
  if (typing || keys.open) return;
  if ((event.ctrlKey || event.metaKey) && desk.writable && event.key.toLowerCase() === "z") {
    event.preventDefault();
    return event.shiftKey ? redo() : undo();
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const acts = {
    n: () => step(true), N: () => step(false), "+": () => resize(zoom * 1.25), "=": () => resize(zoom * 1.25),
    "-": () => resize(zoom / 1.25), 0: () => resize(1), "?": () => keys.showModal(), "/": () => document.getElementById("find").focus(),
    t: () => document.getElementById("take-back")?.click(),
    e: () => { const block = now?.closest("[data-where]"); if (block && desk.writable) editText(block); },
    "[": () => page(-1), "]": () => page(1),
  };
  if (event.key === "Enter" && (event.target.matches("mark.w, .remark, dd[data-b]") || event.target === now)) {
    if (event.target !== now || card.hidden) choose(event.target);
    card.querySelector("input, button.strong, button")?.focus();
    return event.preventDefault();
  }
  if (/^[1-6]$/.test(event.key)) return [...lights.values()][Number(event.key) - 1].click();
  if (event.key in acts) { event.preventDefault(); acts[event.key](); }
});

function page(by) {
  const top = text.getBoundingClientRect().top;
  const at = leaves.findLastIndex((one) => one.getBoundingClientRect().top <= top + 60);
  const leaf = leaves[Math.min(leaves.length - 1, Math.max(0, at + by))];
  text.scrollTop += leaf.getBoundingClientRect().top - top - 4;
}

// Opened at a word: #page=3&where=blocks/7&at=12&length=5

async function openAt() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const leaf = leafOf(Number(asked.get("page")));
  if (!leaf) return;
  await load(leaf);
  text.scrollTop += leaf.getBoundingClientRect().top - text.getBoundingClientRect().top;
  const where = asked.get("where") || "";
  // A hit in a note counts from the note's beginning, whichever of its paragraphs it is in.
  const holders = [...text.querySelectorAll("[data-where]")].filter((one) => one.dataset.where === where || one.dataset.where.startsWith(`${where}/`));
  const words = holders.flatMap((holder) => [...holder.querySelectorAll(".w")].map((word) => [Number(holder.dataset.begin || 0) + Number(word.dataset.o), word]));
  const one = words.findLast(([offset]) => offset <= Number(asked.get("at")))?.[1];
  if (one) choose(one, { focus: true });
}

if (innerWidth < 820) for (const one of text.querySelectorAll("details.facts")) one.open = false;
addEventListener("hashchange", openAt);
openAt();
