"""``Configuration.xml``: properties of the configuration and the list of its objects."""

from __future__ import annotations

from .designer_values import localised, reference
from .model import Description
from .names import stable_uuid
from .xml import Node, el

_CLASSES = (
    "9cd510cd-abfc-11d4-9434-004095e12fc7", "9fcd25a0-4822-11d4-9414-008048da11f9",
    "e3687481-0a87-462c-a166-9f34594f9bba", "9de14907-ec23-4a07-96f0-85521cb6b53b",
    "51f2d5d8-ea4d-4064-8892-82951750031e", "e68182ea-4237-4383-967f-90c1e3370bc7",
    "fb282519-d103-4dd3-bc12-cb271d631dfc",
)  # fmt: skip
_EMPTY_STORAGES = (
    "AdditionalFullTextSearchDictionaries",
    "CommonSettingsStorage",
    "ReportsUserSettingsStorage",
    "ReportsVariantsStorage",
    "FormDataSettingsStorage",
    "DynamicListsUserSettingsStorage",
    "URLExternalDataStorage",
    "Content",
)
_EMPTY_FORMS = [
    "DefaultReportForm",
    "DefaultReportVariantForm",
    "DefaultReportSettingsForm",
    "DefaultDynamicListSettingsForm",
    "DefaultSearchForm",
    "DefaultDataHistoryChangeHistoryForm",
    "DefaultDataHistoryVersionDataForm",
    "DefaultDataHistoryVersionDifferencesForm",
    "DefaultCollaborationSystemUsersChoiceForm",
]


def configuration(description: Description) -> Node:
    """The root element ``Configuration``."""
    contained = [
        el("xr:ContainedObject", [el("xr:ClassId", one), el("xr:ObjectId", description.uuid("contained", one))])
        for one in _CLASSES
    ]
    properties = _extension(description) if description.is_extension else _main(description)
    children = [el(item.kind, item.name) for item in description.objects]
    sections = [el("InternalInfo", contained), el("Properties", properties), el("ChildObjects", children)]
    return el("Configuration", sections, {"uuid": description.uuid("Configuration")})


def _purposes() -> Node:
    return el("UsePurposes", el("v8:Value", "PlatformApplication", {"xsi:type": "app:ApplicationUsePurpose"}))


def _main(description: Description) -> list[Node]:
    root = description.root
    return [
        el("Name", description.name),
        localised("Synonym", root["synonym"]),
        el("Comment", root.get("comment", "")),
        el("NamePrefix"),
        el("ConfigurationExtensionCompatibilityMode", "Version8_3_24"),
        el("DefaultRunMode", "ManagedApplication"),
        _purposes(),
        el("ScriptVariant", "Russian"),
        el("DefaultRoles", [reference(role) for role in root["roles"]]),
        el("Vendor", root["vendor"]),
        el("Version", root["version"]),
        el("UpdateCatalogAddress"),
        el("IncludeHelpInContents", "true"),
        el("UseManagedFormInOrdinaryApplication", "false"),
        el("UseOrdinaryFormInManagedApplication", "false"),
        *[el(name) for name in _EMPTY_STORAGES],
        *[el(name) for name in _EMPTY_FORMS],
        el("MainClientApplicationWindowMode", "Normal"),
        el("DefaultInterface"),
        el("DefaultStyle"),
        el("DefaultLanguage", root["language"]),
        localised("BriefInformation", root["brief"]),
        localised("DetailedInformation", root["detailed"]),
        localised("Copyright", root["copyright"]),
        el("VendorInformationAddress"),
        el("ConfigurationInformationAddress"),
        el("DataLockControlMode", "Managed"),
        el("ObjectAutonumerationMode", "NotAutoFree"),
        el("ModalityUseMode", "DontUse"),
        el("SynchronousPlatformExtensionAndAddInCallUseMode", "DontUse"),
        el("InterfaceCompatibilityMode", "Taxi"),
        el("DatabaseTablespacesUseMode", "DontUse"),
        el("CompatibilityMode", "Version8_3_24"),
        el("DefaultConstantsForm", root.get("constants_form", "")),
    ]


def _extension(description: Description) -> list[Node]:
    root = description.root
    return [
        el("ObjectBelonging", "Adopted"),
        el("Name", description.name),
        localised("Synonym", root["synonym"]),
        el("Comment", root.get("comment", "")),
        el("ConfigurationExtensionPurpose", "Customization"),
        el("KeepMappingToExtendedConfigurationObjectsByIDs", "true"),
        el("NamePrefix", root["prefix"]),
        el("ConfigurationExtensionCompatibilityMode", "Version8_3_24"),
        el("DefaultRunMode", "ManagedApplication"),
        _purposes(),
        el("ScriptVariant", "Russian"),
        el("DefaultRoles", [reference(role) for role in root.get("roles", ())]),
        el("Vendor", root["vendor"]),
        el("Version", root["version"]),
        el("DefaultLanguage", root["language"]),
        localised("BriefInformation", root["brief"]),
        localised("DetailedInformation", root["detailed"]),
        localised("Copyright", root["copyright"]),
        el("ExtendedConfigurationObject", stable_uuid(description.base_name, "Configuration")),
        el("InterfaceCompatibilityMode", "Taxi"),
    ]
