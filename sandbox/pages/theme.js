// Light or dark, before anything is painted. The address may say it (?theme=dark), then the choice that was kept, then
// the system. Everything else reads <html data-theme>.
(() => {
  const asked = new URLSearchParams(location.search).get("theme");
  if (asked === "dark" || asked === "light") localStorage.setItem("theme", asked);
  const kept = localStorage.getItem("theme");
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = kept ?? system;
})();
