"""Chapter 07, real records: hospitals made of real patients, the merge task on them, its experiment, tables and pictures."""
