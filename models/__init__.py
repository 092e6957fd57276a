"""MODNet (Ke et al., AAAI 2022, arXiv 2011.11961) at any channel widths."""
