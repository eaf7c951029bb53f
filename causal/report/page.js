// The page's charts, and the table of claims.
(function () {
  'use strict';
  document.querySelectorAll('.chart').forEach(function (place) {
    var told = document.getElementById(place.id + '-specification');
    var still = place.querySelector('.still'), live = place.querySelector('.live');
    if (!told || !window.vegaEmbed) { return; }
    var chart = JSON.parse(told.textContent);
    if (chart.facet && place.clientWidth < 640) { chart.columns = 1; }
    var options = { mode: 'vega-lite', renderer: 'svg', ast: true, actions: { 'export': true, source: false, compiled: false, editor: false } };
    live.hidden = false;
    window.vegaEmbed(live, chart, options).then(function () { still.hidden = true; place.dataset.drawn = 'yes'; }).catch(function () { live.hidden = true; });
  });
  var rows = Array.prototype.slice.call(document.querySelectorAll('#ledger tbody tr'));
  var word = document.getElementById('filter-word'), text = document.getElementById('filter-text'), count = document.getElementById('filter-count');
  function sift() {
    var wanted = text.value.trim().toLowerCase(), shown = 0;
    rows.forEach(function (row) {
      var fits = (!word.value || row.dataset.verdict === word.value) && (!wanted || row.textContent.toLowerCase().indexOf(wanted) >= 0);
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    count.textContent = shown + ' of ' + rows.length + ' claims shown';
  }
  word.addEventListener('change', sift);
  text.addEventListener('input', sift);
  document.getElementById('filter').hidden = false;
  sift();
}());
