"""What hospitals export, read as it is meant or refused in one sentence: text of any separator, Excel, SAS, SPSS, Stata, Parquet.

:mod:`ddlib.merge.reading.tables` has the function, :mod:`ddlib.merge.reading.options` what may be said about the files,
:mod:`ddlib.merge.reading.formats` one reader per kind of file; every other module reads one thing: an encoding, a separator, a
decimal sign, a missing cell, a limit of detection, a date, a patient's name, a two-valued text, a long table, a unit.
"""
