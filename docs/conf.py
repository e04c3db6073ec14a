"""Settings of Sphinx, which builds the documentation site: make docs."""

project = "StackFlow"
author = "StackFlow"
extensions = ["myst_parser"]
# GitHub's anchors of headings, which the pages use.
myst_heading_anchors = 4
# A footnote or a quotation mark in an example stays as it is written.
smartquotes = False
nitpicky = True

html_theme = "furo"
html_title = "StackFlow"
html_static_path = ["static"]
templates_path = ["templates"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
html_domain_indices = False
