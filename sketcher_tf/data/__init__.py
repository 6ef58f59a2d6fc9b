"""Reading drawings, preparing them and feeding them to training."""
