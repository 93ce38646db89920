// The phone page. Without this script every form still works while there is a signal; with it nothing pressed is lost.
(function () {
  "use strict";
  const body = document.body, base = body.dataset.base || "", person = body.dataset.person || "";
  const main = document.getElementById("main"), net = document.getElementById("net"), box = document.getElementById("outbox");
  const inside = location.pathname.startsWith(base + "/field/");
  const POLL_MS = 15000, SEND_MS = 20000;
  const make = (tag, words, kind) => {
    const node = document.createElement(tag);
    if (words) node.textContent = words;
    if (kind) node.className = kind;
    return node;
  };
  let mark = "", sending = false;

  // ── what waits to be sent ──

  async function draw() {
    const rows = await Outbox.all(), waiting = rows.filter((row) => row.state === "waiting");
    box.replaceChildren();
    box.hidden = !rows.length;
    if (waiting.length) box.append(make("h2", "待发送 " + waiting.length + " 条"), make("p", "已存在手机里,有信号自动发出,可以关掉页面。"));
    else if (rows.length) box.append(make("h2", "没有被接收,请改正"));
    const list = make("ul");
    for (const row of rows) list.append(item(row));
    if (rows.length) box.append(list);
    pending(waiting);
  }

  function item(row) {
    const line = make("li"), acts = make("div", "", "acts");
    const clock = new Date(row.made).toTimeString().slice(0, 5);
    line.append(make("b", row.title + "(" + clock + ")"));
    if (row.words) line.append(make("span", row.words, row.state === "draft" ? "wrong" : ""));
    if (row.asks) acts.append(link("去登录", "/sign-in/?next=" + encodeURIComponent(row.base + "/field/")));
    if (row.state === "draft") {
      if (row.form) acts.append(link("改正", row.form + "#edit=" + row.id));
      acts.append(press("删除", () => { if (confirm("删除后不能恢复。确定删除这一条?")) Outbox.drop(row.id).then(draw); }));
    } else acts.append(press("现在发", () => flush(true)));
    line.append(acts);
    return line;
  }

  function link(words, href) {
    const node = make("a", words, "plain");
    node.href = href;
    return node;
  }

  function press(words, act) {
    const node = make("button", words, "plain");
    node.type = "button";
    node.addEventListener("click", act);
    return node;
  }

  // An answer that waits to be sent is shown as pressed: the alarm goes down at once.
  function pending(waiting) {
    const once = new Set(waiting.map((row) => row.once).filter(Boolean));
    for (const form of document.querySelectorAll("form[data-once]")) {
      const alarm = form.closest(".alarm");
      if (!once.has(form.dataset.once)) continue;
      if (alarm) { alarm.classList.add("small"); alarm.dataset.state = "pressed"; }
      form.replaceChildren(make("p", "✓ 已点「收到」,正在发送", "receipt"));
    }
  }

  function say(words) {
    for (const old of document.querySelectorAll(".said")) old.remove();
    const node = make("p", words, "said");
    node.setAttribute("role", "status");
    net.after(node);
  }

  async function flush(now, heard) {
    if (sending) return;
    sending = true;
    try {
      const receipts = await Outbox.flush(now, heard);
      if (receipts.length) await received(receipts);
    } finally {
      sending = false;
      await draw();
    }
  }

  async function received(receipts) {
    say(receipts.map((one) => "✓ " + one.message).join(";"));
    if (main) await refresh(true);
    else if (!inside && !document.querySelector("form .wrong")) location.replace(location.pathname);
  }

  // ── taking what is pressed ──

  async function keep(form, files) {
    const editing = form.dataset.editing, fields = [];
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && !["csrfmiddlewaretoken", "client_id"].includes(name)) fields.push([name, value]);
    }
    const old = editing ? await Outbox.get(editing) : null;
    const row = {
      id: editing || Outbox.number(), person: inside ? person : "", base, url: form.action, title: form.dataset.send,
      once: form.dataset.once || "", form: form.dataset.keep ? location.pathname : "", fields, files,
      made: old ? old.made : Date.now(), tries: 0, next: 0, state: "waiting", words: "", asks: false,
    };
    await Outbox.put(row);
    if (navigator.storage && navigator.storage.persist) navigator.storage.persist();
    wake();
    return row;
  }

  function wake() {
    if (!inside || !navigator.serviceWorker) return;
    navigator.serviceWorker.ready.then((worker) => worker.sync && worker.sync.register("outbox")).catch(() => null);
  }

  async function submitted(event) {
    const form = event.target;
    if (!form.dataset.send || form.dataset.plain) return;
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "1";
    try {
      const fault = check(form);
      if (fault) return wrong(form, fault);
      if (form.dataset.once && (await Outbox.all()).some((row) => row.once === form.dataset.once && row.state === "waiting")) return;
      await keep(form, chosen.get(form) || []);
    } catch (fault) {
      // No room or no database on this phone: send it the plain way, while there is a signal.
      form.dataset.plain = "1";
      form.submit();
      return;
    } finally {
      delete form.dataset.busy;
    }
    if (form.dataset.keep) {
      forgetTyped(form);
      location.href = base + "/field/";
      return;
    }
    form.reset();
    await draw();
    flush(true);
  }

  // What the city would refuse anyway is said at once, also without a signal.
  function check(form) {
    const value = (name) => ((form.elements[name] && form.elements[name].value) || "").trim();
    for (const input of form.querySelectorAll("input[inputmode=numeric]")) {
      if (input.value.trim() && !/^\d{1,7}$/.test(input.value.trim())) return "「" + input.value + "」不是整数,请改成数字";
    }
    if (form.classList.contains("moved")) {
      if (!value("households") || !value("people")) return "请填已转移的户数和人数;没有就填 0";
      if (+value("people") < +value("households")) return "转移人数不应少于户数";
      const limit = +form.dataset.limit || Infinity, tick = form.elements.sure;
      if (+value("people") > limit && !(tick && tick.checked)) {
        form.querySelector(".sure").hidden = false;
        return value("people") + " 人超过本村人口(" + limit + " 人)。如属实,请勾选「数字无误」再报";
      }
    }
    if (!form.dataset.keep || form.dataset.keep === "zero") return "";
    const files = chosen.get(form) || [];
    if (form.elements.area && !value("area")) return "请选择所在的村(社区)";
    if (form.dataset.keep === "danger" && !value("danger")) return "请选择险情种类";
    const figures = [...form.querySelectorAll(".figures input")].some((input) => input.value.trim());
    if (!value("text") && !figures && !(files.length && form.dataset.keep === "danger")) {
      return form.dataset.keep === "danger" ? "请说明情况,或拍一张照片" : "请填至少一个数字,或说明情况";
    }
    if (files.length > +form.dataset.most) return "一次最多传 " + form.dataset.most + " 个文件,请分次上报";
    const total = files.reduce((sum, file) => sum + file.blob.size, 0);
    if (total > 95 * 1048576) return "附件合计 " + Math.round(total / 1048576) + " MB,超过 95 MB,请分次上报";
    const heavy = files.find((file) => file.blob.size > +form.dataset.cap);
    return heavy ? "「" + heavy.name + "」超过 " + Math.round(form.dataset.cap / 1048576) + " MB,请换小一点的" : "";
  }

  function wrong(form, words) {
    let node = document.getElementById("fault") || form.querySelector(".wrong");
    if (!node) {
      node = make("p", "", "wrong");
      node.setAttribute("role", "alert");
      form.prepend(node);
    }
    node.hidden = false;
    node.textContent = words;
    node.scrollIntoView({ block: "center" });
  }

  // ── pictures and place ──

  const chosen = new Map();

  function pictures(form) {
    const input = form.elements.photos;
    if (!input) return;
    if (!chosen.has(form)) chosen.set(form, []);
    input.closest("label").classList.add("drawn");
    input.addEventListener("change", async () => {
      const label = input.closest("label").querySelector("span"), words = label.textContent;
      label.textContent = "正在处理照片…";
      for (const file of input.files) chosen.get(form).push(await Photos.prepare(file));
      input.value = "";
      label.textContent = words;
      thumbs(form);
    });
  }

  function thumbs(form) {
    const list = document.getElementById("thumbs"), files = chosen.get(form);
    list.replaceChildren(...files.map((file, n) => {
      const line = make("li");
      if (/^image\//.test(file.blob.type)) {
        const image = make("img");
        image.src = URL.createObjectURL(file.blob);
        image.alt = file.name;
        line.append(image);
      }
      line.append(make("span", Math.max(1, Math.round(file.blob.size / 1024)) + " KB"));
      line.append(press("去掉", () => { files.splice(n, 1); thumbs(form); }));
      return line;
    }));
  }

  function place(form) {
    const button = document.getElementById("locate"), spot = document.getElementById("spot");
    if (!button || !navigator.geolocation) return;
    button.hidden = false;
    const found = (at) => {
      form.elements.lon.value = at.coords.longitude.toFixed(6);
      form.elements.lat.value = at.coords.latitude.toFixed(6);
      spot.textContent = "✓ 已定位,误差约 " + Math.round(at.coords.accuracy) + " 米";
    };
    const lost = (fault) => {
      spot.textContent = fault.code === 1 ? "没有允许定位,请写清具体位置" : "没定到位,请写清具体位置";
    };
    const measure = () => {
      spot.textContent = "正在定位…";
      navigator.geolocation.getCurrentPosition(found, lost, { enableHighAccuracy: true, timeout: 20000, maximumAge: 60000 });
    };
    button.addEventListener("click", measure);
    if (navigator.permissions && navigator.permissions.query) {
      navigator.permissions.query({ name: "geolocation" }).then((now) => now.state === "granted" && measure()).catch(() => null);
    }
  }

  // ── what was typed and not yet sent ──

  const typedKey = (form) => "typed:" + base + ":" + person + ":" + form.dataset.keep;
  const forgetTyped = (form) => localStorage.removeItem(typedKey(form));

  function remember(form) {
    form.addEventListener("input", () => {
      const rows = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !/token|client_id|^l[oa][nt]$/.test(name));
      localStorage.setItem(typedKey(form), JSON.stringify(rows));
    });
    fill(form, JSON.parse(localStorage.getItem(typedKey(form)) || "[]"));
  }

  function fill(form, rows) {
    for (const [name, value] of rows) {
      const field = form.elements[name];
      if (field && value && field.value !== value) field.value = value;
    }
  }

  async function edit(form) {
    const id = (location.hash.match(/^#edit=([\w-]+)$/) || [])[1], row = id && (await Outbox.get(id));
    if (!row) return;
    form.dataset.editing = id;
    fill(form, row.fields);
    if (chosen.has(form)) {
      chosen.set(form, row.files);
      thumbs(form);
    }
    if (row.words) wrong(form, row.words);
  }

  // ── what is new ──

  async function refresh(acted) {
    if (!main || main.contains(document.activeElement) && /INPUT|TEXTAREA/.test(document.activeElement.tagName)) return;
    try {
      const answer = await fetch(body.dataset.part, { headers: mark ? { "If-None-Match": mark } : {}, cache: "no-store", redirect: "manual" });
      lost(false);
      flush(false, true);
      if (answer.status === 200 || answer.status === 304) body.dataset.at = new Date().toTimeString().slice(0, 5);
      if (answer.status !== 200) return;
      if ((mark || acted) && navigator.serviceWorker && navigator.serviceWorker.controller) navigator.serviceWorker.controller.postMessage("home");
      mark = answer.headers.get("ETag") || "";
      const before = alarms(), typing = [...main.querySelectorAll("input")].some((input) => input.value && input.type !== "hidden" && input.type !== "checkbox");
      const words = await answer.text();
      if (typing && before.join() === alarms(words).join()) return;
      main.innerHTML = words;
      ready(main);
      await draw();
      if (alarms().some((one) => !before.includes(one))) ring();
    } catch (fault) {
      lost(true);
    }
  }

  function alarms(words) {
    const root = words ? new DOMParser().parseFromString(words, "text/html") : document;
    return [...root.querySelectorAll(".alarm[data-call]")].map((node) => node.dataset.call);
  }

  function ring() {
    scrollTo(0, 0);
    if (navigator.vibrate) navigator.vibrate([600, 200, 600, 200, 600]);
  }

  function lost(now) {
    const off = now || !navigator.onLine;
    net.hidden = !off;
    net.textContent = off ? "没有信号:这是 " + body.dataset.at + " 的内容,填好的会先存在手机里" : "";
  }

  function ready(root) {
    for (const node of root.querySelectorAll(".sure")) node.hidden = !node.querySelector("input").checked;
  }

  function worker() {
    if (!inside || !("serviceWorker" in navigator)) return;
    navigator.serviceWorker.register(base + "/field/sw.js", { scope: base + "/field/" }).then(() => navigator.serviceWorker.ready)
      .then((there) => { if (person && main) there.active.postMessage("keep"); }).catch(() => null);
    navigator.serviceWorker.addEventListener("message", (event) => {
      if (event.data && event.data.receipts && event.data.receipts.length) received(event.data.receipts);
      draw();
    });
    const leave = document.getElementById("leave");
    if (leave) leave.addEventListener("submit", () => navigator.serviceWorker.controller && navigator.serviceWorker.controller.postMessage("forget"));
  }

  document.addEventListener("submit", submitted);
  for (const form of document.querySelectorAll("form.report")) {
    pictures(form);
    place(form);
    if (/^#edit=/.test(location.hash)) edit(form);
    else if (!document.querySelector("#fault:not([hidden])")) remember(form);
  }
  ready(document);
  worker();
  lost(false);
  addEventListener("online", () => { lost(false); flush(true); refresh(); });
  addEventListener("offline", () => lost(true));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { flush(true); refresh(); } });
  setInterval(() => flush(false), SEND_MS);
  if (main) setInterval(() => { if (!document.hidden) refresh(); }, POLL_MS);
  draw().then(() => flush(true));
})();
