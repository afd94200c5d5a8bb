/** Gives the browser something to keep as a file. */

/** Whoever is asked by the browser where to put it has so long for that, ms: it is read after the answer. */
const KEPT_MS = 600_000;

/** Saves it as browsers save files: at once, or where they are told to. */
export function saveAs(name: string, file: Blob): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, KEPT_MS);
}
