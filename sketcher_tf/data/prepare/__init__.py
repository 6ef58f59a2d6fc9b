"""From drawings to prepared folders: one function per drawing, two drivers."""
