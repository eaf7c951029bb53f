// Another opinion before the data: draws under the wide prior, weighed by the ratio of the new prior to it.
(function () {
  'use strict';
  var place = document.getElementById('opinion');
  if (!place) { return; }
  var help = window.causal, data = JSON.parse(document.getElementById('opinion-data').textContent), links = data.links, unpacked = {};
  function field(name) { return document.getElementById('opinion-' + name); }

  // An effect of root mean square `size`, above zero with the chance of which `z` is the Normal quantile (priors/elicit.py).
  function normal(sign, z, size) {
    var lean = z / Math.sqrt(1 + z * z);
    return { mean: sign * size * lean, sd: size * Math.sqrt(1 - lean * lean) };
  }
  // Weights that add up to one; taken apart by the largest, so that none overflows.
  function weights(draws, link, prior) {
    var logs = Float64Array.from(draws, function (b) {
      var wide = (b - link.mean) / link.sd, own = (b - prior.mean) / prior.sd;
      return (wide * wide - own * own) / 2;
    });
    var most = logs.reduce(function (a, b) { return Math.max(a, b); }, -Infinity);
    var out = logs.map(function (value) { return Math.exp(value - most); });
    var sum = out.reduce(function (a, b) { return a + b; }, 0);
    return out.map(function (value) { return value / sum; });
  }
  function weighed(draws, shares, wanted) {
    return draws.reduce(function (sum, b, k) { return sum + (wanted(b) ? shares[k] : 0); }, 0);
  }
  // The smallest draw below which that much of the weight lies.
  function quantile(draws, shares, order, p) {
    var sum = 0, k;
    for (k = 0; k < order.length - 1; k += 1) { sum += shares[order[k]]; if (sum >= p) { break; } }
    return draws[order[k]];
  }

  function answer() {
    var link = links[Number(field('link').value)], chance = data.chances[Number(field('chance').value)], size = data.sizes[Number(field('size').value)];
    var draws = unpacked[field('link').value] = unpacked[field('link').value] || help.floats(link.draws);
    var prior = normal(link.sign, chance[1], size), shares = weights(draws, link, prior);
    var kish = 1 / shares.reduce(function (sum, w) { return sum + w * w; }, 0), effective = Math.floor(kish * link.share);
    field('chance-says').textContent = help.chance(chance[0]);
    field('size-says').textContent = size + ' sd per sd';
    field('chance').setAttribute('aria-valuetext', help.chance(chance[0]));
    field('size').setAttribute('aria-valuetext', size + ' standard deviations per standard deviation');
    field('before').textContent = help.told(prior.mean - 1.6448536 * prior.sd) + ' to ' + help.told(prior.mean + 1.6448536 * prior.sd);
    field('draws').textContent = effective + ' of ' + draws.length;
    field('standing').textContent = 'What this is: ' + link.standing + '.';
    var enough = effective >= data.least, d = link.smallest;
    field('rows').hidden = !enough;
    field('says').textContent = enough ? '' : 'No numbers: this opinion lies so far from what was drawn that only ' + effective + ' draws speak for it (' + data.least
      + ' are needed). Put it into the bundle and run the report again.';
    if (!enough) { return; }
    var order = Array.from(draws.keys()).sort(function (a, b) { return draws[a] - draws[b]; });
    field('after').textContent = help.told(quantile(draws, shares, order, 0.5)) + ' (' + help.told(quantile(draws, shares, order, 0.05)) + ' to '
      + help.told(quantile(draws, shares, order, 0.95)) + ')';
    field('claimed').textContent = help.chance(weighed(draws, shares, function (b) { return link.sign * b > d; }));
    field('small').textContent = help.chance(weighed(draws, shares, function (b) { return Math.abs(b) <= d; }));
    field('opposite').textContent = help.chance(weighed(draws, shares, function (b) { return link.sign * b < -d; }));
    field('says').textContent = 'The smallest effect that matters is ' + help.told(d) + '.';
  }

  help.fill(field('link'), links, 0);
  field('chance').max = String(data.chances.length - 1);
  field('size').max = String(data.sizes.length - 1);
  place.hidden = false;
  document.getElementById('opinion-missing').hidden = true;
  ['link', 'chance', 'size'].forEach(function (name) { field(name).addEventListener('input', answer); });
  answer();
}());
