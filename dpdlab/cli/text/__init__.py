"""The parts of the text report, top to bottom: summary, peers, lanes, black holes, details."""
