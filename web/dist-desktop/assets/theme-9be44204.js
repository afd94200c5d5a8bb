// Sets the theme before the first paint: the reader's choice, else the system's, else dark.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem('raidcast.theme');
  } catch {
    // Storage is off: the system decides.
  }
  var light = chosen ? chosen === 'light' : matchMedia('(prefers-color-scheme: light)').matches;
  document.documentElement.dataset.theme = light ? 'light' : 'dark';
})();
