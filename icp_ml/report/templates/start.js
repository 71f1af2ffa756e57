// Wakes up what the page holds; every part is left out where its data are.

(() => {
  "use strict";

  const data = document.getElementById("score-data");
  const form = document.getElementById("score-form");
  if (data && form) icpForm.start(form, JSON.parse(data.textContent));

  const accounts = document.getElementById("accounts");
  const bar = document.getElementById("accounts-bar");
  if (accounts && bar) icpAccounts.start(accounts, bar);
})();
