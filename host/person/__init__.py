"""The person around the runs: what runners tell about themselves, their pain, and how their form goes on."""
