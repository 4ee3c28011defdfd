"""From admitted requests to codes and PCM: schedule, run, commit."""
