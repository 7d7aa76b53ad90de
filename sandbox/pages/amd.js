// A small AMD loader, in the place of RequireJS: `define` and `require` with the plugins that amoCRM's loader of widgets
// uses (`json!`, `optional!`), anonymous and named modules, and the CommonJS style `define(function (require) {…})`.
//
// Invariants: a module is made once; an anonymous `define` belongs to the script that is running (`currentScript`); a
// script that fails is forgotten, so that the next `require` asks for it again.
(() => {
  const PATHS = { jquery: "/pages/jquery.js", underscore: "/pages/underscore.js" };
  const modules = new Map(); // id → promise of its value
  const values = new Map(); // id → value, for require("id") inside a module
  const named = new Map(); // id → definition that came by name
  const loaded = new Map(); // script address → its anonymous definition

  const address = (id) => {
    if (/^(https?:)?\//.test(id)) return id;
    return PATHS[id] ?? `/pages/${id}.js`;
  };
  const resolve = (id, parent) => (/^\.\.?\//.test(id) && parent ? new URL(id, new URL(address(parent), location.href)).href : id);

  function define(name, dependencies, factory) {
    if (typeof name !== "string") [name, dependencies, factory] = [null, name, dependencies];
    if (!Array.isArray(dependencies)) [dependencies, factory] = [null, dependencies];
    if (dependencies === null) dependencies = typeof factory === "function" && factory.length > 0 ? commonJs(factory) : [];
    const definition = { dependencies, factory };
    const script = document.currentScript?.src;
    if (script) loaded.set(script, definition);
    if (name !== null) named.set(name, definition);
  }
  define.amd = { jQuery: true };

  // `define(function (require) {…})`: what it will ask for is read from its text, as the AMD page prescribes.
  function commonJs(factory) {
    const asked = [...factory.toString().matchAll(/\brequire\(\s*["']([^"']+)["']\s*\)/g)].map((match) => match[1]);
    return ["require", "exports", "module", ...asked];
  }

  function script(url) {
    return new Promise((done, failed) => {
      const element = document.createElement("script");
      element.src = url;
      element.async = true;
      element.onload = () => done(element.src);
      element.onerror = () => failed(new Error(`Скрипт не загрузился: ${url}`));
      document.head.append(element);
    });
  }

  async function make(id, definition) {
    const module = { id, exports: {}, uri: address(id) };
    const given = await Promise.all(
      definition.dependencies.map((name) => {
        if (name === "require") return Object.assign((...all) => inner(id, ...all), { toUrl: (url) => resolve(url, id) });
        if (name === "exports") return module.exports;
        if (name === "module") return module;
        return load(resolve(name, id));
      }),
    );
    const commonStyle = definition.dependencies[0] === "require";
    const made = typeof definition.factory === "function" ? definition.factory(...(commonStyle ? given.slice(0, 3) : given)) : definition.factory;
    return made === undefined ? module.exports : made;
  }

  function inner(parent, first, ...rest) {
    if (typeof first !== "string") return require(first, ...rest);
    const id = resolve(first, parent);
    if (!values.has(id)) throw new Error(`Модуль ещё не загружен: ${id}`);
    return values.get(id);
  }

  async function fetched(id) {
    if (named.has(id)) return make(id, named.get(id));
    const url = await script(address(id));
    const definition = named.get(id) ?? loaded.get(url);
    return definition === undefined ? undefined : make(id, definition);
  }

  const plugins = {
    json: async (url) => {
      const answer = await fetch(url, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
      return answer.json();
    },
    optional: (id) => load(id).catch(() => undefined),
  };

  function load(id) {
    const [, plugin, rest] = /^(json|optional)!(.*)$/.exec(id) ?? [];
    if (!modules.has(id)) {
      const made = plugin ? plugins[plugin](rest) : fetched(id);
      modules.set(id, made);
      made.then(
        (value) => values.set(id, value),
        () => modules.delete(id),
      );
    }
    return modules.get(id);
  }

  function require(ids, done, failed) {
    if (typeof ids === "string") return inner(null, ids);
    const all = Promise.all(ids.map(load)).then((made) => done?.(...made));
    all.catch(failed ?? ((error) => console.error(error)));
    return undefined;
  }
  require.undef = (id) => {
    modules.delete(id);
    values.delete(id);
    named.delete(id);
  };

  Object.assign(window, { define, require, requirejs: require });
})();
