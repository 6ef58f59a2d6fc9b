"use strict";
// The blind rating page. Shuffling, CSV and storage; statistics in anova.js.

const Rating = (() => {
  const COLUMNS = ["report", "reader", "item", "word", "source", "rating"];

  // A random generator of a text: mulberry32 of its FNV-1a hash.
  function generator(text) {
    let state = 0x811c9dc5;
    for (const char of text) {
      state = Math.imul(state ^ char.codePointAt(0), 0x01000193);
    }
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  // The numbers 0 ... count - 1 in an order of the reader's own.
  function order(count, reader) {
    const random = generator(reader);
    const numbers = [...Array(count).keys()];
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [numbers[i], numbers[j]] = [numbers[j], numbers[i]];
    }
    return numbers;
  }

  function quote(value) {
    const text = String(value);
    // A spreadsheet would run what begins like a formula.
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  function toCsv(ratings) {
    const rows = ratings.map((r) => COLUMNS.map((name) => quote(r[name])));
    return [COLUMNS, ...rows].map((row) => row.join(",") + "\r\n").join("");
  }

  function cellsOf(text) {
    const rows = [[]];
    // A cell, quoted or not, and what ends it.
    const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
    while (cell.lastIndex < text.length) {
      const match = cell.exec(text);
      if (!match) throw new Error("a CSV file must be one that was exported here");
      const [, quoted, bare, end] = match;
      rows.at(-1).push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
      if (end !== ",") rows.push([]);
    }
    return rows.filter((row) => row.length > 1);
  }

  // The ratings of an exported file; throws if they are of another report.
  function fromCsv(text, report, items) {
    const [head, ...rows] = cellsOf(text);
    if (!head || COLUMNS.some((name, i) => head[i] !== name)) {
      throw new Error("a CSV file must be one that was exported here");
    }
    return rows.map((row) => {
      const [id, name, number, , , text] = row;
      const reader = name.replace(/^'(?=[=+\-@\t\r])/, "");
      const item = items[Number(number)];
      const rating = Number(text);
      if (id !== report || !item) {
        throw new Error("the ratings must be of this very report");
      }
      if (![1, 2, 3, 4, 5].includes(rating)) {
        throw new Error(`a rating must be 1 to 5; received ${text}`);
      }
      return {
        report, reader, item: Number(number), word: item.word,
        source: item.source, rating,
      };
    });
  }

  return { order, toCsv, fromCsv };
})();

if (typeof document !== "undefined") {
  (() => {
    const { id: report, sources, items } = JSON.parse(
      document.getElementById("rating-data").textContent,
    );
    const part = (name) => document.getElementById(`rating-${name}`);
    const others = new Map(); // reader -> ratings read from files
    let reader = "";
    let order = [];
    let given = []; // in the reader's order

    const page = document.getElementById("rating");
    page.hidden = false;

    const key = () => `sketcher-rating-${report}-${reader}`;
    // Some browsers keep nothing for a page that is a file.
    function stored() {
      try {
        return JSON.parse(localStorage.getItem(key())) || [];
      } catch {
        return [];
      }
    }
    function store() {
      try {
        localStorage.setItem(key(), JSON.stringify(given));
      } catch {
        part("message").textContent =
          "This browser keeps nothing: export before you close the page.";
      }
    }

    function ratings() {
      return given.map((rating, i) => {
        const { word, source } = items[order[i]];
        return { report, reader, item: order[i], word, source, rating };
      });
    }

    function show() {
      const rating = given.length < items.length;
      part("start").hidden = true;
      part("card").hidden = !rating;
      part("results").hidden = rating;
      if (!rating) return results();
      const item = items[order[given.length]];
      part("word").textContent = item.word;
      part("progress").textContent = `${given.length + 1} of ${items.length}`;
      part("drawing").innerHTML = item.svg;
    }

    function rate(value) {
      given.push(value);
      store();
      show();
    }

    function back() {
      given.pop();
      store();
      show();
    }

    function cell(row, tag, text) {
      row.appendChild(document.createElement(tag)).textContent = text;
    }

    function results() {
      part("card").hidden = true;
      part("results").hidden = false;
      part("undo").hidden = !given.length;
      part("resume").hidden = given.length >= items.length;
      const all = [...ratings(), ...[...others.values()].flat()];
      const table = part("table");
      table.textContent = "";
      const head = table.createTHead().insertRow();
      for (const text of ["", "mean rating", "SD", "ratings"]) cell(head, "th", text);
      const body = table.createTBody();
      for (const source of sources) {
        const values = all.filter((r) => r.source === source).map((r) => r.rating);
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        const variance =
          values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1);
        const row = body.insertRow();
        cell(row, "th", source);
        cell(row, "td", values.length ? mean.toFixed(2) : "–");
        cell(row, "td", values.length > 1 ? Math.sqrt(variance).toFixed(2) : "–");
        cell(row, "td", values.length);
      }
      part("anova").textContent = sentence(all);
    }

    function sentence(all) {
      const { unit, rows } = Anova.table(all, sources);
      if (rows.length < 2 || sources.length < 2) {
        return "An analysis of variance needs drawings of all sources, rated for at least two words.";
      }
      const { f, df, dfError, epsilon, p, etaSquared } = Anova.repeatedMeasures(rows);
      const repeated =
        unit === "reader"
          ? `${rows.length} readers`
          : `${rows.length} words, rated by one reader`;
      if (Number.isNaN(f)) return `All mean ratings are equal (${repeated}).`;
      const told = p < 0.001 ? "p < .001" : `p = ${p.toFixed(3).replace(/^0/, "")}`;
      return (
        `Repeated-measures analysis of variance over ${repeated}: ` +
        `F(${+df.toFixed(2)}, ${+dfError.toFixed(2)}) = ${f.toFixed(2)}, ${told}, ` +
        `partial η² = ${etaSquared.toFixed(2)}; both degrees of freedom times ` +
        `Greenhouse and Geisser's ε = ${epsilon.toFixed(2)}.`
      );
    }

    function download() {
      const all = [...ratings(), ...[...others.values()].flat()];
      const link = document.createElement("a");
      link.href = URL.createObjectURL(
        new Blob([Rating.toCsv(all)], { type: "text/csv" }),
      );
      link.download = `ratings-${reader.replace(/[^\p{L}\p{N}]+/gu, "-")}.csv`;
      link.click();
      URL.revokeObjectURL(link.href);
    }

    async function read(files) {
      try {
        for (const file of files) {
          const rows = Rating.fromCsv(await file.text(), report, items);
          for (const name of new Set(rows.map((r) => r.reader))) {
            if (name !== reader) others.set(name, rows.filter((r) => r.reader === name));
          }
        }
        part("message").textContent = `${others.size + 1} readers in all.`;
      } catch (error) {
        part("message").textContent = `Not added: ${error.message}.`;
      }
      results();
    }

    part("start").addEventListener("submit", (event) => {
      event.preventDefault();
      reader = part("reader").value.trim();
      order = Rating.order(items.length, reader);
      given = stored();
      show();
    });
    part("buttons").addEventListener("click", (event) => {
      const value = Number(event.target.value);
      if (value) rate(value);
    });
    part("back").addEventListener("click", back);
    part("undo").addEventListener("click", back);
    part("stop").addEventListener("click", results);
    part("resume").addEventListener("click", show);
    part("export").addEventListener("click", download);
    part("import").addEventListener("change", (event) => read(event.target.files));
    document.addEventListener("keydown", (event) => {
      if (part("card").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
      // A key held down must not rate the next drawings too, nor press again
      // the button that has the focus.
      if (event.repeat) {
        if (event.key === "Enter") event.preventDefault();
        return;
      }
      if (/^[1-5]$/.test(event.key)) rate(Number(event.key));
      else if (event.key === "Backspace") back();
      else return;
      event.preventDefault();
    });
  })();
}
