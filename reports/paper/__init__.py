"""The paper of the portal: PDF documents rendered from plain frozen dataclasses.

``contexts`` says what a document needs to know, ``documents`` has one function per document,
``wording`` the sentences that depend on facts, ``render`` and ``fonts`` the machinery.
Nothing here imports a model.
"""
