"""Waveforms: files in and out, resampling, references for cloning, and the mel front end of the speaker encoder."""
