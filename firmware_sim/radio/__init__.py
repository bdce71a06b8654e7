"""The virtual air: real HCI, L2CAP and ATT between simulated pods and a bleak backend, on Bumble."""
