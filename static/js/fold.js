// Columns of the board of deals that the reader folds stay folded: a cookie tells the server, so
// that the next page does not move while it loads.

const folds = [...document.querySelectorAll("[data-fold]")];

for (const fold of folds) {
  fold.addEventListener("toggle", () => {
    const folded = folds.filter(({ open }) => !open).map(({ dataset }) => dataset.fold);
    document.cookie = `folded_stages=${folded.join(".")}; path=/deals; max-age=31536000; samesite=lax`;
  });
}
