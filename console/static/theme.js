// Before the page is drawn, so that it does not flash: the chosen theme, if one was chosen.
(() => {
  const chosen = localStorage.getItem("threshold-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
