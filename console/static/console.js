// The page keeps itself true: it hears what happens, renews what its person has in hand, and never moves a
// list under their fingers.
"use strict";
(() => {
  const body = document.body;
  const one = (selector) => document.querySelector(selector);
  const csrf = body.dataset.csrf;

  // --- light and dark -------------------------------------------------------------------------------------
  one("#theme")?.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("threshold-theme", root.dataset.theme);
  });

  // --- times ----------------------------------------------------------------------------------------------
  // Our clock against the server's: the timers count in the server's time.
  const skew = { ms: 0 };
  const spanOf = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    if (s < 3600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
    if (s < 86400) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")}`;
    return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
  };
  const tick = () => {
    const now = Date.now() + skew.ms;
    for (const timer of document.querySelectorAll("[data-since]")) {
      const text = spanOf(now - Date.parse(timer.dataset.since));
      if (timer.textContent !== text) timer.textContent = text;
    }
  };
  // A wall time in a home's zone says which, when that is not the viewer's own; one without a home is the viewer's.
  const offsetIn = (moment, zone) => {
    const parts = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(moment);
    return parts.find((part) => part.type === "timeZoneName")?.value;
  };
  const viewers = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const placeTimes = (root) => {
    for (const time of root.querySelectorAll("time[data-zone]")) {
      if (time.dataset.placed) continue;
      time.dataset.placed = "yes";
      const moment = new Date(time.dateTime);
      try {
        if (!time.dataset.zone) {
          const today = new Date(Date.now() + skew.ms).toDateString() === moment.toDateString();
          const style = today ? {} : { weekday: "short", day: "numeric", month: "short" };
          time.textContent = moment.toLocaleString("en-GB", { ...style, hour: "2-digit", minute: "2-digit" }).replace(",", "");
        } else if (offsetIn(moment, time.dataset.zone) !== offsetIn(moment, viewers)) {
          time.textContent += ` ${time.dataset.abbr}`;
        }
        time.title = moment.toLocaleString("en-GB", { dateStyle: "full", timeStyle: "medium", timeZone: time.dataset.zone || viewers });
      } catch {
        time.title = time.dateTime;
      }
    }
  };

  // --- a list that does not jump ----------------------------------------------------------------------------
  // New rows are put in by key; a row that has not changed stays the same element, with its focus and hover.
  const keyed = (target, fresh) => {
    const known = new Map([...target.querySelectorAll("[data-key]")].map((node) => [node.dataset.key, node]));
    for (const row of fresh.querySelectorAll("li[data-key]")) {
      const old = known.get(row.dataset.key);
      if (old && old.dataset.mark === row.dataset.mark) row.replaceWith(old);
      else if (!old) row.classList.add("new");
    }
    target.replaceChildren(...fresh.childNodes);
  };
  window.htmx?.defineExtension("keyed", {
    isInlineSwap: (style) => style === "keyed",
    handleSwap: (style, target, fragment) => {
      if (style !== "keyed") return false;
      keyed(target, fragment);
      return [target];
    },
  });

  const busy = (region) => {
    const focused = document.activeElement;
    if (focused && focused !== body && region.contains(focused) && focused.matches(":focus-visible, input, select, textarea")) return true;
    if (region.querySelector("details.act[open]")) return true;
    return [...region.querySelectorAll("textarea, select, input:not([type=hidden])")].some((field) =>
      field.type === "radio" ? field.checked !== field.defaultChecked : field.tagName === "SELECT" ? field.selectedIndex > 0 : field.value !== field.defaultValue);
  };
  const list = one("#alerts") || one("#alert");
  const held = { fragment: null };
  const bar = one("#held");
  const rowsOf = (root) => new Map([...root.querySelectorAll("li[data-key]")].map((row) => [row.dataset.key, row]));
  const hold = (fresh) => {
    held.fragment = fresh;
    if (!list.matches("#alerts")) {
      one("#held-text").textContent = "This alert has changed.";
      bar.hidden = false;
      return;
    }
    const shown = rowsOf(list);
    const coming = rowsOf(fresh);
    const added = [...coming.values()].filter((row) => !shown.has(row.dataset.key));
    const changed = [...coming.values()].filter((row) => shown.has(row.dataset.key) && shown.get(row.dataset.key).dataset.mark !== row.dataset.mark).length
      + [...shown.keys()].filter((key) => !coming.has(key)).length;
    const said = [];
    if (added.length) said.push(added.length === 1 ? `New: ${added[0].dataset.say}` : `${added.length} new alerts`);
    if (changed) said.push(`${changed} changed`);
    one("#held-text").textContent = said.join(", ");
    bar.hidden = said.length === 0;
  };
  const release = () => {
    if (!held.fragment || !list) return;
    const fresh = held.fragment;
    held.fragment = null;
    bar.hidden = true;
    if (list.matches("#alerts")) keyed(list, fresh);
    else list.replaceChildren(...fresh.childNodes);
    window.htmx.process(list);
    settle();
  };
  one("#held-show")?.addEventListener("click", () => {
    for (const open of list.querySelectorAll("details.act[open]")) open.open = false;
    release();
  });
  const releaseWhenIdle = () => setTimeout(() => { if (held.fragment && !busy(list)) release(); }, 150);
  if (list) {
    list.addEventListener("focusout", releaseWhenIdle);
    list.addEventListener("toggle", releaseWhenIdle, true);
  }
  body.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    const served = Date.parse(xhr.getResponseHeader("Date") || "");
    if (served) skew.ms = Math.abs(served - Date.now()) > 3000 ? served - Date.now() : 0;
    if (target !== list || !event.detail.shouldSwap) return;
    const page = document.createElement("template");
    page.innerHTML = event.detail.serverResponse;
    announce(page.content);
    if (busy(list)) {
      event.detail.shouldSwap = false;
      hold(page.content);
    } else if (bar) {
      held.fragment = null;
      bar.hidden = true;
    }
  });
  body.addEventListener("htmx:afterSettle", () => settle());
  body.addEventListener("alert-changed", () => {
    for (const form of list?.querySelectorAll("form") ?? []) form.reset();
    document.activeElement?.blur();
    refresh("#alert");
  });

  // --- what is new is seen, said, and heard if one likes ------------------------------------------------------
  const known = new Set([...document.querySelectorAll("#alerts li[data-key]")].map((row) => row.dataset.key));
  const announce = (fresh) => {
    if (!list?.matches("#alerts")) return;
    const rows = [...fresh.querySelectorAll("li[data-key]")];
    const added = rows.filter((row) => !known.has(row.dataset.key) && row.dataset.state === "open");
    for (const row of rows) known.add(row.dataset.key);
    const polite = added.filter((row) => row.dataset.priority !== "1");
    if (polite.length) one("#polite").textContent = polite.length === 1 ? `New alert: ${polite[0].dataset.say}` : `${polite.length} new alerts`;
    urgent(rows);
  };
  const seen = new Set();
  const mine = new Set();
  const urgent = (rows) => {
    mine.clear();
    for (const row of rows) if (row.dataset.mine) mine.add(row.dataset.mine);
    const waiting = rows.filter((row) => row.dataset.priority === "1" && row.dataset.state === "open" && !row.dataset.holder);
    const first = waiting.find((row) => row.dataset.alert !== one("#alert")?.dataset.alert);
    const banner = one("#banner");
    if (!first) {
      banner.hidden = true;
      banner.replaceChildren();
      return;
    }
    const text = first.dataset.say + (waiting.length > 1 && !one("#alert") ? ` and ${waiting.length - 1} more` : "");
    if (banner.dataset.text !== text || banner.hidden) {
      const link = document.createElement("a");
      link.href = `/alerts/${first.dataset.alert}`;
      const open = document.createElement("span");
      open.className = "open-it";
      open.textContent = "Open";
      link.append(document.createTextNode(text), open);
      banner.replaceChildren(link);
      banner.dataset.text = text;
      banner.hidden = false;
    }
    for (const row of waiting) {
      if (!seen.has(row.dataset.key)) {
        seen.add(row.dataset.key);
        chime();
      }
    }
  };
  const sound = { button: one("#sound"), on: localStorage.getItem("threshold-sound") === "on", context: null };
  const showSound = () => sound.button?.setAttribute("aria-pressed", String(sound.on));
  const chime = () => {
    if (!sound.on) return;
    sound.context ??= new AudioContext();
    sound.context.resume().then(() => {
      const at = sound.context.currentTime;
      [[660, 0], [880, 0.18], [660, 0.36]].forEach(([pitch, wait]) => {
        const tone = sound.context.createOscillator();
        const volume = sound.context.createGain();
        tone.frequency.value = pitch;
        volume.gain.setValueAtTime(0.0001, at + wait);
        volume.gain.exponentialRampToValueAtTime(0.22, at + wait + 0.03);
        volume.gain.exponentialRampToValueAtTime(0.0001, at + wait + 0.3);
        tone.connect(volume).connect(sound.context.destination);
        tone.start(at + wait);
        tone.stop(at + wait + 0.32);
      });
      body.dataset.chimes = String(Number(body.dataset.chimes || 0) + 1);
    }).catch(() => toast("The browser lets no sound out until you click on the page."));
  };
  sound.button?.addEventListener("click", () => {
    sound.on = !sound.on;
    localStorage.setItem("threshold-sound", sound.on ? "on" : "off");
    showSound();
    chime();
  });
  // It goes on until somebody takes the call: one sound is easily slept through.
  setInterval(() => { if (!one("#banner").hidden) chime(); }, 12000);

  // --- hearing ------------------------------------------------------------------------------------------------
  const waits = new Map();
  const refresh = (selector, pause = 120) => {
    if (!one(selector) || waits.has(selector)) return;
    waits.set(selector, setTimeout(() => {
      waits.delete(selector);
      const region = one(selector);
      if (selector === "#visits" && region.contains(document.activeElement)) return;
      window.htmx.trigger(region, "refresh");
    }, pause));
  };
  // Every other page looks at the same list behind the scenes: an alarm is seen, and a claim kept, wherever one is.
  const watch = () => {
    if (one("#alerts") || waits.has("watch")) return;
    waits.set("watch", setTimeout(async () => {
      waits.delete("watch");
      try {
        const answer = await fetch("/board/alerts", { headers: { "HX-Request": "true" } });
        if (!answer.ok) return;
        const page = document.createElement("template");
        page.innerHTML = await answer.text();
        urgent([...page.content.querySelectorAll("li[data-key]")]);
      } catch { /* the stream says that the connection is lost */ }
    }, 200));
  };
  const everything = () => { watch(); refresh("#alerts"); refresh("#alert"); refresh("#visits", 400); };
  const live = one("#live");
  const state = (name, text) => {
    if (!live) return;
    live.dataset.state = name;
    live.querySelector(".live-text").textContent = text;
  };
  let heard = Date.now();
  const listen = () => {
    const stream = new EventSource(`/api/v1/live?after=${encodeURIComponent(body.dataset.place)}`);
    const about = (handler) => (event) => { heard = Date.now(); handler(JSON.parse(event.data)); };
    const here = () => Number(one("#alert")?.dataset.alert);
    stream.onopen = () => state("live", "live");
    stream.onerror = () => {
      state("lost", `reconnecting, true at ${new Date(heard).toLocaleTimeString("en-GB")}`);
      if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    };
    stream.addEventListener("hello", about(() => {}));
    stream.addEventListener("reset", about(everything));
    for (const topic of ["alert", "duty"]) {
      stream.addEventListener(topic, about((news) => { refresh("#alerts"); watch(); if (news.alert === here()) refresh("#alert"); }));
    }
    stream.addEventListener("visit", about(() => refresh("#visits", 2000)));
    addEventListener("pagehide", () => stream.close(), { once: true });
  };

  // --- a claim holds while its page is there ------------------------------------------------------------------
  const renew = () => {
    for (const duty of mine) {
      fetch(`/duties/${duty}/renew`, { method: "POST", headers: { "X-CSRF-Token": csrf, "HX-Request": "true" } })
        .then((answer) => { if (answer.status === 409) everything(); })
        .catch(() => state("lost", "no connection"));
    }
  };

  const toast = (text) => {
    const box = one("#toast");
    box.textContent = text;
    box.hidden = false;
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => { box.hidden = true; }, 6000);
  };
  body.addEventListener("htmx:sendError", () => toast("No connection. Nothing was changed; please try again."));
  body.addEventListener("htmx:timeout", () => toast("No answer came. Look again before you repeat it."));
  body.addEventListener("htmx:responseError", () => toast("The service could not do that just now. Nothing was changed."));

  const settle = () => {
    placeTimes(document);
    tick();
    const waiting = document.querySelectorAll("#alerts li[data-state=open]").length;
    if (one("#alerts")) document.title = document.title.replace(/^(\(\d+\) )?/, waiting ? `(${waiting}) ` : "");
  };

  showSound();
  settle();
  if (one("#alerts")) urgent([...document.querySelectorAll("#alerts li[data-key]")]);
  else watch();
  setInterval(tick, 1000);
  if (body.dataset.place && live) {
    listen();
    new Worker(body.dataset.ticker).onmessage = renew;
    // The stream is a hint; looking is the promise.
    setInterval(everything, 30000);
    addEventListener("online", everything);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) everything(); });
  }
})();
