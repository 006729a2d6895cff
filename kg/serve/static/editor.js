"use strict";
// The field of the query becomes an editor: colours, what is wrong, names to choose from. The form stays as it is.
(() => {
  const field = document.getElementById("query");
  const prefixes = JSON.parse(field.dataset.prefixes), terms = JSON.parse(field.dataset.terms);
  // The completers of Yasqe for names ask a server elsewhere: these know the names of this graph.
  Yasqe.registerAutocompleter({
    name: "names",
    get: terms,
    bulk: true,
    autoShow: true,
    isValidCompletionPosition: (editor) => {
      const token = editor.getCompleteToken();
      return token.type !== "keyword" && /^[A-Za-z]/.test(token.string);
    },
    onInitialize: (editor) => editor.on("change", () => {
      const place = editor.getCursor(), name = editor.getTokenAt(place).string.match(/^([A-Za-z]\w*):/);
      if (!name || !(name[1] in prefixes) || /^\s*prefix/i.test(editor.getLine(place.line))) return;
      if (!(name[1] in editor.getPrefixesFromQuery())) editor.addPrefixes({[name[1]]: prefixes[name[1]]});
    }),
  });
  const place = document.createElement("div");
  field.before(place);
  const editor = new Yasqe(place, {
    value: field.value,
    autocompleters: ["variables", "names"],
    consumeShareLink: null,
    createShareableLink: null,
    persistenceId: null,
    showQueryButton: false,
    screenReaderLabel: document.querySelector("label[for=query]").textContent,
  });
  const ask = () => { field.form.requestSubmit(); };
  // Tab leads on to the button, so that nobody is caught in the editor.
  editor.setOption("extraKeys", {...editor.getOption("extraKeys"), "Ctrl-Enter": ask, "Cmd-Enter": ask, "Ctrl-S": false, Tab: false, "Shift-Tab": false});
  field.hidden = true;
  field.form.addEventListener("submit", () => { field.value = editor.getValue(); });
})();
