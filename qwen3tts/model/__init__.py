"""The talker, the code predictor and the speaker encoder, as explicit functions of weights and state."""
