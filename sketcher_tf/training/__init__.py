"""Training: from prepared drawings to a run folder."""
