"""The rights of a role, summed up."""

from __future__ import annotations


def rights_text(rights: str) -> str:
    """How far the rights of a role reach.

    A role whose rights are set for new objects has them for every object that its file does not name: the file lists
    what is denied.
    """
    objects = rights.split("<object>")[1:]
    if "<setForNewObjects>true<" in rights:
        said = "Права на все объекты, в том числе новые"
        if denied := sum("<value>false<" in item for item in objects):
            said += f"; объектов с запретами: {denied}"
    else:
        said = f"Права на объекты: {len(objects)}"
    if limited := rights.count("<restrictionByCondition>"):
        said += f"; ограничений доступа к записям: {limited}"
    return said
