"""Pods without hardware: a runner with known truth, the chips, the firmware and the air between."""
