"""A runner with known truth: form, gait, plan, and the motion that pods feel."""
