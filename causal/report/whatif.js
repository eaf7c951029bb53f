// Interventions asked on the page. A shift of Normal nodes changes them by the fitted effects alone (causal/worlds.py):
//   change[v, t] = shift[v, t] + sum over steps of effect * change[cause, t - lag],
// on the standard scale, for every draw. The numbers are those of causal.contrast: the mean over all units.
(function () {
  'use strict';
  var QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95], NAMES = ['low', 'lower', 'middle', 'upper', 'high'];

  function floats(text) {
    var raw = atob(text), bytes = new Uint8Array(raw.length);
    for (var k = 0; k < raw.length; k += 1) { bytes[k] = raw.charCodeAt(k); }
    return new Float32Array(bytes.buffer);
  }

  // Sorted values at these probabilities, between neighbours in a straight line.
  function quantiles(sorted, chances) {
    return chances.map(function (p) {
      var at = p * (sorted.length - 1), below = Math.floor(at), above = Math.min(below + 1, sorted.length - 1);
      return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    });
  }

  // Acts are {node, amount, from, to} with places for node and times; the answer is one array of draws a time, natural units.
  function changes(study, effects, acts, share, outcome) {
    var size = study.nodes.length, times = study.times.length, terms = study.terms.length, draws = effects.length / terms;
    var shifts = new Float64Array(times * size), moved = new Float64Array(times * size), out = [], t, draw;
    acts.forEach(function (act) {
      for (t = act.from; t <= act.to; t += 1) { shifts[t * size + act.node] += share * act.amount / study.nodes[act.node].swing; }
    });
    for (t = 0; t < times; t += 1) { out.push(new Float64Array(draws)); }
    for (draw = 0; draw < draws; draw += 1) {
      for (t = 0; t < times; t += 1) {
        study.order.forEach(function (node) {
          var sum = shifts[t * size + node];
          study.steps[node].forEach(function (step) {
            if (step[1] <= t) { sum += effects[draw * terms + step[2]] * moved[(t - step[1]) * size + step[0]]; }
          });
          moved[t * size + node] = sum;
        });
        out[t][draw] = moved[t * size + outcome] * study.nodes[outcome].swing;
      }
    }
    return out;
  }

  // Three digits, with a true minus sign; a chance that draws cannot tell from 0 or 1 is not called either.
  function told(value) { return String(Number(value.toPrecision(3))).replace('-', '\u2212'); }
  function chance(p) { return p < 0.005 ? 'under .01' : p > 0.995 ? 'over .99' : p.toFixed(2).replace(/^0/, ''); }
  function element(name, text, attributes) {
    var made = document.createElement(name);
    if (text !== undefined) { made.textContent = text; }
    Object.keys(attributes || {}).forEach(function (key) { made.setAttribute(key, attributes[key]); });
    return made;
  }
  function fill(select, options, chosen) {
    select.replaceChildren.apply(select, options.map(function (option, k) {
      var made = element('option', option.label === undefined ? option : option.label);
      made.value = String(k);
      made.selected = k === chosen;
      return made;
    }));
  }
  window.causal = { floats: floats, quantiles: quantiles, told: told, chance: chance, element: element, fill: fill };

  var place = document.getElementById('what-if');
  if (!place) { return; }
  var data = JSON.parse(document.getElementById('what-if-data').textContent), view = null, drawn = '';
  var study, unpacked = {}, acts = document.getElementById('ask-acts'), pattern = acts.firstElementChild;
  function field(name) { return document.getElementById('ask-' + name); }
  function chosenUnits() {
    var units = Array.prototype.filter.call(field('units').options, function (option) { return option.selected; });
    return units.some(function (option) { return option.value === 'all'; }) ? [] : units.map(function (option) { return option.textContent; });
  }

  function open() {
    study = data[Number(field('study').value)];
    fill(field('outcome'), study.nodes, study.nodes.length - 1);
    field('units').replaceChildren(element('option', 'every unit', { value: 'all', selected: '' }));
    study.units.forEach(function (unit) { field('units').append(element('option', unit)); });
    acts.replaceChildren(pattern.cloneNode(true));
    prepare(acts.firstElementChild, 0);
    outcomeChosen();
  }
  function prepare(act, node) {
    fill(act.querySelector('.ask-node'), study.nodes, node);
    fill(act.querySelector('.ask-from'), study.times, Math.min(study.seen, study.times.length - 1));
    fill(act.querySelector('.ask-to'), study.times, study.times.length - 1);
    nodeChosen(act);
    act.querySelector('.ask-away').hidden = act === acts.firstElementChild;
  }
  // A quarter of a typical swing, to one digit: small enough to stay within what the panel has seen.
  function nodeChosen(act) {
    var node = study.nodes[Number(act.querySelector('.ask-node').value)];
    var amount = act.querySelector('.ask-amount');
    amount.value = String(Number((node.swing / 4).toPrecision(1)));
    amount.step = String(Number((node.swing / 20).toPrecision(1)));
    act.querySelector('.ask-swing').textContent = 'a typical yearly swing is ' + told(node.swing);
  }
  function outcomeChosen() {
    var node = study.nodes[Number(field('outcome').value)];
    field('better').value = node.better || 'higher';
    answer();
  }

  function read() {
    return Array.prototype.map.call(acts.children, function (act) {
      return {
        node: Number(act.querySelector('.ask-node').value), amount: act.querySelector('.ask-amount').valueAsNumber,
        from: Number(act.querySelector('.ask-from').value), to: Number(act.querySelector('.ask-to').value),
      };
    });
  }
  function wrongWith(asked) {
    if (asked.some(function (act) { return !Number.isFinite(act.amount); })) { return 'Give each change a number.'; }
    if (asked.some(function (act) { return act.to < act.from; })) { return 'A change ends before it begins: choose a later end.'; }
    return '';
  }

  function answer() {
    var asked = read(), wrong = wrongWith(asked), outcome = Number(field('outcome').value), better = field('better').value;
    field('answer').hidden = wrong !== '';
    if (wrong) { field('says').textContent = wrong; return; }
    var units = chosenUnits(), share = units.length ? units.length / study.units.length : 1, last = study.times.length - 1;
    var rows = [], first = Math.max(0, Math.min.apply(null, asked.map(function (act) { return act.from; })) - 2);
    var body = field('rows');
    body.replaceChildren();
    var says = study.sets.map(function (set, k) {
      var key = study.key + '/' + k;
      unpacked[key] = unpacked[key] || floats(set.effects);
      var found = changes(study, unpacked[key], asked, share, outcome), ends = found[last];
      var harm = ends.filter(function (value) { return better === 'higher' ? value < 0 : value > 0; }).length / ends.length;
      var bands = found.map(function (values) { return quantiles(values.slice().sort(), QUANTILES); });
      for (var t = first; t <= last; t += 1) {
        var row = { prior: set.label, time: study.times[t] };
        NAMES.forEach(function (name, place) { row[name] = bands[t][place]; });
        rows.push(row);
      }
      var end = bands[last], line = element('tr');
      line.append(element('th', set.label, { scope: 'row' }), element('td', told(end[2]), { 'class': 'n', 'data-label': 'Median' }));
      line.append(element('td', told(end[0]) + ' to ' + told(end[4]), { 'class': 'n', 'data-label': '90 % interval' }));
      line.append(element('td', chance(harm), { 'class': 'n', 'data-label': 'Chance of harm' }));
      body.append(line);
      return told(end[2]) + ' (' + told(end[0]) + ' to ' + told(end[4]) + ') under the ' + set.label;
    });
    var node = study.nodes[outcome];
    field('says').textContent = 'By ' + study.times[last] + ', ' + node.label + ' would change by ' + says.join('; ') + '. Mean over all ' + study.units.length + ' units'
      + (units.length ? '; in each of the ' + units.length + ' acted on it is ' + told(1 / share) + ' times as much.' : '.')
      + (study.draws < study.drawn ? ' From ' + study.draws + ' of ' + study.drawn + ' draws, as a page holds no more.' : '');
    rests(asked, node);
    field('command').textContent = command(asked, units, node, last);
    draw(rows, 'change in ' + node.label);
  }

  // The nodes that ways of such steps lead to, and where they start.
  function reached(steps, starts) {
    var found = new Set(starts), size;
    do {
      size = found.size;
      steps.forEach(function (step) { if (found.has(step[0])) { found.add(step[1]); } });
    } while (found.size > size);
    return found;
  }
  // A term is on the way where what is changed reaches its cause, and its effect the outcome.
  function rests(asked, outcome) {
    var words = {}, forth = [], back = [];
    study.steps.forEach(function (steps, effect) {
      steps.forEach(function (step) { forth.push([step[0], effect]); back.push([effect, step[0]]); });
    });
    var below = reached(forth, asked.map(function (act) { return act.node; })), above = reached(back, [study.nodes.indexOf(outcome)]);
    study.steps.forEach(function (steps, effect) {
      steps.forEach(function (step) {
        var term = study.terms[step[2]];
        if (!term.memory && below.has(step[0]) && above.has(effect)) { words[term.name] = term.word; }
      });
    });
    var weak = Object.keys(words).filter(function (term) { return words[term] !== 'supported'; });
    field('rests').replaceChildren.apply(field('rests'), Object.keys(words).map(function (term) { return element('li', term + ': ' + words[term]); }));
    field('caution').textContent = Object.keys(words).length === 0
      ? 'No fitted link leads from what is changed to ' + outcome.label + ', but its own memory.'
      : weak.length + ' of the ' + Object.keys(words).length + ' links that the answer passes through are not supported' + (weak.length
        ? ': it is what the equations imply, not what the data establish.' : '.')
        + (study.aside ? ' ' + study.aside + ' influences that the source names are assumed away.' : '');
  }

  function command(asked, units, outcome, last) {
    var acted = asked.map(function (act) {
      return 'shift ' + study.nodes[act.node].name + ' ' + act.amount + ' from ' + study.times[act.from] + ' to ' + study.times[act.to]
        + (units.length ? ' in ' + units.join(', ') : '');
    });
    return 'causal do "' + acted.join('; ') + '" --outcome ' + outcome.name + ' --horizon ' + (last + 1 - study.seen);
  }

  function draw(rows, title) {
    var chart = JSON.parse(document.getElementById('what-if-chart').textContent);
    if (!window.vegaEmbed) { return; }
    // The title is part of the chart: a new outcome draws it anew, other numbers move what is there.
    if (view && drawn === title) { view.data('asked', rows).runAsync().then(shown); return; }
    drawn = title;
    chart.datasets = { asked: rows };
    chart.data = { name: 'asked' };
    chart.spec.layer.forEach(function (layer) { if (layer.encoding.y && layer.encoding.y.field) { layer.encoding.y.title = title; } });
    if (place.clientWidth < 640) { chart.columns = 1; }
    window.vegaEmbed(field('chart'), chart, { mode: 'vega-lite', renderer: 'svg', ast: true, actions: false }).then(function (made) { view = made.view; shown(); });
  }
  function shown() {
    field('chart').querySelector('svg.marks').setAttribute('aria-hidden', 'true');
    field('chart').dataset.drawn = field('says').textContent;
  }

  fill(field('study'), data, 0);
  place.hidden = false;
  document.getElementById('what-if-missing').hidden = true;
  field('study').addEventListener('change', open);
  field('outcome').addEventListener('change', outcomeChosen);
  field('better').addEventListener('change', answer);
  field('units').addEventListener('change', answer);
  acts.addEventListener('input', function (event) {
    if (event.target.classList.contains('ask-node')) { nodeChosen(event.target.closest('.ask-act')); }
    answer();
  });
  acts.addEventListener('click', function (event) {
    if (event.target.classList.contains('ask-away')) { event.target.closest('.ask-act').remove(); field('more').hidden = false; answer(); }
  });
  field('more').addEventListener('click', function () {
    var act = pattern.cloneNode(true);
    acts.append(act);
    prepare(act, Math.min(acts.children.length - 1, study.nodes.length - 1));
    field('more').hidden = acts.children.length > 2;
    act.querySelector('.ask-node').focus();
    answer();
  });
  open();
}());
