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
    window.vegaEmbed(live, chart, options).then(function () {
      // The page tells the picture in words; the drawing's own parts are no elements to read.
      live.querySelector('svg').setAttribute('aria-hidden', 'true');
      live.querySelector('summary').setAttribute('aria-label', 'Save this picture');
      still.hidden = true;
      place.dataset.drawn = 'yes';
    }).catch(function () { live.hidden = true; });
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
  // Each head of the table sorts by its column, the other way round when it is asked again.
  var heads = document.querySelectorAll('#ledger thead th'), body = document.querySelector('#ledger tbody');
  heads.forEach(function (head, column) {
    var button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener('click', function () {
      var way = head.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
      heads.forEach(function (other) { other.removeAttribute('aria-sort'); });
      head.setAttribute('aria-sort', way > 0 ? 'ascending' : 'descending');
      rows.sort(function (a, b) { return way * a.cells[column].textContent.localeCompare(b.cells[column].textContent, 'en', { numeric: true }); });
      rows.forEach(function (row) { body.append(row); });
    });
  });
  document.getElementById('table-download').addEventListener('click', function () {
    var link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([JSON.parse(document.getElementById('table-data').textContent)], { type: 'text/csv' }));
    link.download = 'verdicts.csv';
    link.click();
  });
  word.addEventListener('change', sift);
  text.addEventListener('input', sift);
  document.getElementById('filter').hidden = false;
  sift();
}());
