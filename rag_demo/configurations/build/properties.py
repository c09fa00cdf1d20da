"""Properties of each kind, in dump order, with their default values.

One line is ``Name value``. ``*text`` is a localised text, ``*refs`` a list of references,
``*fields`` a list of fields, ``*type`` the type of the object, ``*nil`` an absent value,
``*standard`` the place of the standard attributes.
"""

from __future__ import annotations

_FORMS = "DefaultObjectForm|DefaultFolderForm|DefaultListForm|DefaultChoiceForm|DefaultFolderChoiceForm"
_AUXILIARY = "AuxiliaryObjectForm|AuxiliaryFolderForm|AuxiliaryListForm|AuxiliaryChoiceForm|AuxiliaryFolderChoiceForm"
_PRESENTATIONS = (
    "ObjectPresentation *text|ExtendedObjectPresentation *text|ListPresentation *text|"
    "ExtendedListPresentation *text|Explanation *text"
)
_HISTORY = (
    "DataHistory DontUse|UpdateDataHistoryImmediatelyAfterWrite false|"
    "ExecuteAfterWriteDataHistoryVersionProcessing false"
)
_COMMON_VALUE = (
    "PasswordMode false|Format *text|EditFormat *text|ToolTip *text|MarkNegatives false|Mask|MultiLine false|"
    "ExtendedEdit false|MinValue *nil|MaxValue *nil"
)
_CHOICE = (
    "FillChecking DontCheck|ChoiceFoldersAndItems Items|ChoiceParameterLinks|ChoiceParameters|QuickChoice Auto|"
    "CreateOnInput Auto|ChoiceForm|LinkByType|ChoiceHistoryOnInput Auto"
)
_FILLED = f"{_COMMON_VALUE}|FillFromFillingValue false|FillValue *nil|{_CHOICE}"
_BARE = f"{_COMMON_VALUE}|{_CHOICE}"
_TAIL = "Indexing DontIndex|FullTextSearch Use|DataHistory Use"

_TABLES: dict[str, str] = {
    "Catalog": (
        "Hierarchical false|HierarchyType HierarchyFoldersAndItems|LimitLevelCount false|LevelCount 2|"
        "FoldersOnTop true|UseStandardCommands true|Owners *refs|SubordinationUse ToItems|CodeLength 9|"
        "DescriptionLength 100|CodeType String|CodeAllowedLength Variable|CodeSeries WholeCatalog|CheckUnique true|"
        "Autonumbering true|DefaultPresentation AsDescription|*standard|Characteristics|PredefinedDataUpdate Auto|"
        "EditType InDialog|QuickChoice false|ChoiceMode BothWays|InputByString *fields|"
        "SearchStringModeOnInputByString Begin|FullTextSearchOnInputByString DontUse|"
        f"ChoiceDataGetModeOnInputByString Directly|{_FORMS}|{_AUXILIARY}|IncludeHelpInContents false|BasedOn *refs|"
        f"DataLockFields|DataLockControlMode Managed|FullTextSearch Use|{_PRESENTATIONS}|CreateOnInput Use|"
        f"ChoiceHistoryOnInput Auto|{_HISTORY}"
    ),
    "Document": (
        "UseStandardCommands true|Numerator|NumberType String|NumberLength 11|NumberAllowedLength Variable|"
        "NumberPeriodicity Year|CheckUnique true|Autonumbering true|*standard|Characteristics|BasedOn *refs|"
        "InputByString *fields|CreateOnInput DontUse|SearchStringModeOnInputByString Begin|"
        "FullTextSearchOnInputByString DontUse|ChoiceDataGetModeOnInputByString Directly|DefaultObjectForm|"
        "DefaultListForm|DefaultChoiceForm|AuxiliaryObjectForm|AuxiliaryListForm|AuxiliaryChoiceForm|Posting Allow|"
        "RealTimePosting Deny|RegisterRecordsDeletion AutoDeleteOnUnpost|RegisterRecordsWritingOnPost WriteSelected|"
        "SequenceFilling AutoFill|RegisterRecords *refs|PostInPrivilegedMode true|UnpostInPrivilegedMode true|"
        "IncludeHelpInContents false|DataLockFields|DataLockControlMode Managed|FullTextSearch Use|"
        f"{_PRESENTATIONS}|ChoiceHistoryOnInput Auto|{_HISTORY}"
    ),
    "InformationRegister": (
        "UseStandardCommands true|EditType InDialog|DefaultRecordForm|DefaultListForm|AuxiliaryRecordForm|"
        "AuxiliaryListForm|*standard|InformationRegisterPeriodicity Nonperiodical|WriteMode Independent|"
        "MainFilterOnPeriod false|IncludeHelpInContents false|DataLockControlMode Managed|FullTextSearch Use|"
        "EnableTotalsSliceFirst false|EnableTotalsSliceLast false|RecordPresentation *text|"
        "ExtendedRecordPresentation *text|ListPresentation *text|ExtendedListPresentation *text|Explanation *text|"
        f"{_HISTORY}"
    ),
    "AccumulationRegister": (
        "UseStandardCommands true|DefaultListForm|AuxiliaryListForm|RegisterType Balance|IncludeHelpInContents false|"
        "*standard|DataLockControlMode Managed|FullTextSearch Use|EnableTotalsSplitting true|ListPresentation *text|"
        "ExtendedListPresentation *text|Explanation *text"
    ),
    "Enum": (
        "UseStandardCommands false|*standard|Characteristics|QuickChoice true|ChoiceMode BothWays|DefaultListForm|"
        "DefaultChoiceForm|AuxiliaryListForm|AuxiliaryChoiceForm|ListPresentation *text|"
        "ExtendedListPresentation *text|Explanation *text|ChoiceHistoryOnInput Auto"
    ),
    "Constant": (
        "Type *type|UseStandardCommands true|DefaultForm|ExtendedPresentation *text|Explanation *text|"
        f"{_COMMON_VALUE}|FillChecking DontCheck|ChoiceFoldersAndItems Items|ChoiceParameterLinks|ChoiceParameters|"
        f"QuickChoice Auto|ChoiceForm|LinkByType|ChoiceHistoryOnInput Auto|DataLockControlMode Managed|{_HISTORY}"
    ),
    "ChartOfCharacteristicTypes": (
        "UseStandardCommands true|IncludeHelpInContents false|CharacteristicExtValues|Type *type|Hierarchical false|"
        "FoldersOnTop true|CodeLength 9|CodeAllowedLength Variable|DescriptionLength 100|"
        "CodeSeries WholeCharacteristicKind|CheckUnique true|Autonumbering true|DefaultPresentation AsDescription|"
        "*standard|Characteristics|PredefinedDataUpdate Auto|EditType InDialog|QuickChoice false|ChoiceMode BothWays|"
        "InputByString *fields|CreateOnInput Use|SearchStringModeOnInputByString Begin|"
        "ChoiceDataGetModeOnInputByString Directly|FullTextSearchOnInputByString DontUse|ChoiceHistoryOnInput Auto|"
        f"{_FORMS}|{_AUXILIARY}|BasedOn *refs|DataLockFields|DataLockControlMode Managed|FullTextSearch Use|"
        f"{_PRESENTATIONS}|{_HISTORY}"
    ),
    "Report": (
        "UseStandardCommands true|DefaultForm|AuxiliaryForm|MainDataCompositionSchema|DefaultSettingsForm|"
        "AuxiliarySettingsForm|DefaultVariantForm|VariantsStorage|SettingsStorage|IncludeHelpInContents false|"
        "ExtendedPresentation *text|Explanation *text"
    ),
    "DataProcessor": (
        "UseStandardCommands true|DefaultForm|AuxiliaryForm|IncludeHelpInContents false|ExtendedPresentation *text|"
        "Explanation *text"
    ),
    "DocumentJournal": (
        "DefaultForm|AuxiliaryForm|UseStandardCommands true|RegisteredDocuments *refs|IncludeHelpInContents false|"
        "*standard|ListPresentation *text|ExtendedListPresentation *text|Explanation *text"
    ),
    "CommonModule": (
        "Global false|ClientManagedApplication false|Server false|ExternalConnection false|"
        "ClientOrdinaryApplication false|ServerCall false|Privileged false|ReturnValuesReuse DontUse"
    ),
    "CommonForm": (
        "FormType Managed|IncludeHelpInContents false|UsePurposes *purposes|UseStandardCommands false|"
        "ExtendedPresentation *text|Explanation *text"
    ),
    "CommonCommand": (
        "Group NavigationPanelOrdinary|Representation Auto|ToolTip *text|Picture|Shortcut|IncludeHelpInContents false|"
        "CommandParameterType *type|ParameterUseMode Single|ModifiesData false|OnMainServerUnavalableBehavior Auto"
    ),
    "CommonTemplate": "TemplateType SpreadsheetDocument",
    "Subsystem": (
        "IncludeHelpInContents true|IncludeInCommandInterface true|UseOneCommand false|Explanation *text|Picture|"
        "Content *refs"
    ),
    "SessionParameter": "Type *type",
    "DefinedType": "Type *type",
    "Role": "",
    "Language": "LanguageCode",
    "FunctionalOption": "Location|PrivilegedGetMode true|Content *objects",
    "EventSubscription": "Source *type|Event|Handler",
    "ScheduledJob": (
        "MethodName|Description|Key|Use true|Predefined true|RestartCountOnFailure 3|RestartIntervalOnFailure 10"
    ),
    "HTTPService": "RootURL|ReuseSessions DontUse|SessionMaxAge 20",
    # parts of objects
    "Form": "FormType Managed|IncludeHelpInContents false|UsePurposes *purposes",
    "Template": "TemplateType SpreadsheetDocument",
    "Command": (
        "Group FormCommandBarImportant|CommandParameterType *type|ParameterUseMode Single|ModifiesData false|"
        "Representation Auto|ToolTip *text|Picture|Shortcut|OnMainServerUnavalableBehavior Auto"
    ),
    "URLTemplate": "Template",
    "Method": "HTTPMethod|Handler",
    "EnumValue": "",
    "Column": "Indexing DontIndex|References *refs",
    "TabularSection": "ToolTip *text|FillChecking DontCheck|*standard",
    "Catalog.Attribute": f"Type *type|{_FILLED}|Use ForItem|{_TAIL}",
    "Attribute": f"Type *type|{_FILLED}|{_TAIL}",
    "TabularSection.Attribute": f"Type *type|{_BARE}|{_TAIL}",
    "DataProcessor.Attribute": f"Type *type|{_BARE}",
    "DataProcessor.Row.Attribute": f"Type *type|{_FILLED}",
    "InformationRegister.Dimension": (
        f"Type *type|{_FILLED}|Master false|MainFilter true|DenyIncompleteValues true|{_TAIL}"
    ),
    "AccumulationRegister.Dimension": (
        f"Type *type|{_BARE}|DenyIncompleteValues false|Indexing DontIndex|FullTextSearch Use|UseInTotals true"
    ),
    "AccumulationRegister.Resource": f"Type *type|{_BARE}|FullTextSearch Use",
    "AccumulationRegister.Attribute": f"Type *type|{_BARE}|Indexing DontIndex|FullTextSearch Use",
}


def properties_of(kind: str) -> list[tuple[str, str]]:
    """Pairs (name, default) of a kind or of a part such as ``Catalog.Attribute``."""
    table = _TABLES.get(kind)
    if table is None:
        table = _TABLES[kind.rsplit(".", 1)[-1]]
    pairs = (line.partition(" ") for line in table.split("|") if line)
    return [(name, value) for name, _, value in pairs]


def input_fields(path: str) -> tuple[str, ...]:
    """By which field users find the object at ``path`` while typing, unless the description says otherwise."""
    return ("StandardAttribute.Number",) if path.startswith("Document.") else ("StandardAttribute.Description",)


GENERATED_TYPES: dict[str, tuple[str, ...]] = {
    "Catalog": ("Object", "Ref", "Selection", "List", "Manager"),
    "Document": ("Object", "Ref", "Selection", "List", "Manager"),
    "ChartOfCharacteristicTypes": ("Object", "Ref", "Selection", "List", "Characteristic", "Manager"),
    "InformationRegister": (
        "Record",
        "Manager",
        "Selection",
        "List",
        "RecordSet",
        "RecordKey",
        "RecordManager",
    ),
    "AccumulationRegister": ("Record", "Manager", "Selection", "List", "RecordSet", "RecordKey"),
    "Enum": ("Ref", "Manager", "List"),
    "Constant": ("Manager", "ValueManager", "ValueKey"),
    "Report": ("Object", "Manager"),
    "DataProcessor": ("Object", "Manager"),
    "DocumentJournal": ("Selection", "List", "Manager"),
    "DefinedType": ("DefinedType",),
}

STANDARD_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "Catalog": (
        "PredefinedDataName",
        "Predefined",
        "Ref",
        "DeletionMark",
        "IsFolder",
        "Owner",
        "Parent",
        "Description",
        "Code",
    ),
    "Document": ("Posted", "Ref", "DeletionMark", "Date", "Number"),
    "InformationRegister": ("Active", "LineNumber", "Recorder", "Period"),
}
