"""The parts of the plugin `transformers`; `protocol` imports none of the large libraries, so that it starts at once."""
