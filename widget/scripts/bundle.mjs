// What every build of this folder shares: how files that are not TypeScript are read, and how JSX is written.
export const loaders = {
  loader: { ".css": "text", ".json": "json" },
  jsx: "automatic",
  jsxImportSource: "preact",
};
