"""The embedded server speaks what TensorFlow Serving speaks."""
