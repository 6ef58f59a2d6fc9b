"""The page that draws in a browser, and its build."""
