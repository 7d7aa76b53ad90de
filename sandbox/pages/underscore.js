// The part of underscore that widgets of this size use, under its name. Not the library: what is missing is missing.
define("underscore", [], () => {
  const pairs = (object) => (Array.isArray(object) ? object.map((value, index) => [index, value]) : Object.entries(object ?? {}));
  const _ = {
    each: (list, visit) => {
      for (const [key, value] of pairs(list)) visit(value, key, list);
      return list;
    },
    map: (list, change) => pairs(list).map(([key, value]) => change(value, key, list)),
    filter: (list, keep) => pairs(list).filter(([key, value]) => keep(value, key, list)).map(([, value]) => value),
    find: (list, wanted) => pairs(list).find(([key, value]) => wanted(value, key, list))?.[1],
    reduce: (list, join, start) => pairs(list).reduce((sum, [key, value]) => join(sum, value, key), start),
    keys: (object) => Object.keys(object ?? {}),
    values: (object) => Object.values(object ?? {}),
    pluck: (list, name) => _.map(list, (item) => item[name]),
    contains: (list, value) => Object.values(list ?? {}).includes(value),
    extend: (target, ...sources) => Object.assign(target, ...sources),
    defaults: (target, ...sources) => Object.assign(target, ...[...sources].reverse(), { ...target }),
    clone: (value) => (Array.isArray(value) ? [...value] : { ...value }),
    isFunction: (value) => typeof value === "function",
    isObject: (value) => value === Object(value),
    isString: (value) => typeof value === "string",
    isArray: Array.isArray,
    isUndefined: (value) => value === undefined,
    isEmpty: (value) => value == null || Object.keys(value).length === 0,
    bind: (call, self, ...first) => call.bind(self, ...first),
    once: (call) => {
      let made = false;
      let value;
      return (...all) => {
        if (!made) [made, value] = [true, call(...all)];
        return value;
      };
    },
    debounce: (call, wait) => {
      let timer;
      return (...all) => {
        clearTimeout(timer);
        timer = setTimeout(() => call(...all), wait);
      };
    },
    escape: (text) => String(text ?? "").replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`),
    noop: () => undefined,
  };
  return _;
});
