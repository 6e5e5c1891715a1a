"""Chapter 10: the published PINN experiment, Table 1, with the authors' figures beside ours and designs without any search."""
