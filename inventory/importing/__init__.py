"""Taking units, contacts, mail systems and domains from one workbook.

`columns` says what the workbook looks like, `template` writes an empty one, `reading` opens an
upload without trusting it, `checking` turns rows into a plan or into errors at their cells, and
`applying` carries a plan out.
"""
