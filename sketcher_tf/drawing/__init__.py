"""Drawing with a critic: several tries, of which one is kept."""
