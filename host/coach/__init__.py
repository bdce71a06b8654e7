"""From strides to the one thing worth saying: norms, faults, cues, pacing."""
