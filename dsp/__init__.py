"""The signal core: from frames of three pods to stride records. numpy and numba only; no I/O, no clock."""
