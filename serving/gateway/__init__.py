"""`sketcher.v1` for everyone: a typed service in front of the servables."""
