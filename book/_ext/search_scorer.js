// Prose before API internals: a chapter or page that holds the words comes before every page and name of the library's reference.
var Scorer = {
  score: ([docname, title, anchor, descr, score]) => {
    if (docname.startsWith("book/api")) return score - 1000;
    return score + (docname.startsWith("notebooks/") || docname === "book/notation" ? 5 : 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
