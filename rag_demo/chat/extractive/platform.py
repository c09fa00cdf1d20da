"""What the platform itself gives to objects: fields and methods that stand in no configuration."""

from __future__ import annotations

from rag_demo.index.analyse import fold

_NAMES = """
    Ссылка Ref ПустаяСсылка EmptyRef Представление Presentation ВерсияДанных DataVersion МоментВремени PointInTime
    ПометкаУдаления DeletionMark Предопределенный Predefined ИмяПредопределенныхДанных PredefinedDataName
    Код Code Наименование Description Родитель Parent Владелец Owner ЭтоГруппа IsFolder Дата Date Номер Number
    Проведен Posted НомерСтроки LineNumber Период Period Регистратор Recorder Активность Active ВидДвижения RecordType
    Порядок Order Значение Value ТипЗначения ValueType Движения RegisterRecords Отбор Filter
    НайтиПоКоду FindByCode НайтиПоНаименованию FindByDescription НайтиПоРеквизиту FindByAttribute
    НайтиПоНомеру FindByNumber Выбрать Select ВыбратьИерархически SelectHierarchically Метаданные Metadata
    СоздатьЭлемент CreateItem СоздатьГруппу CreateFolder СоздатьДокумент CreateDocument
    СоздатьНаборЗаписей CreateRecordSet СоздатьМенеджерЗаписи CreateRecordManager СоздатьКлючЗаписи CreateRecordKey
    ПолучитьСсылку GetRef ПолучитьОбъект GetObject ПолучитьМакет GetTemplate ПолучитьФорму GetForm
    ПолучитьСсылкуНового GetNewObjectRef УстановитьСсылкуНового SetNewObjectRef
    Записать Write Прочитать Read Удалить Delete Скопировать Copy Заблокировать Lock Разблокировать Unlock
    Заполнить Fill Модифицированность Modified ЭтоНовый IsNew УстановитьПометкуУдаления SetDeletionMark
    ДополнительныеСвойства AdditionalProperties ОбменДанными DataExchange Получить Get Установить Set
    СрезПоследних SliceLast СрезПервых SliceFirst Остатки Balance Обороты Turnovers
    ОстаткиИОбороты BalanceAndTurnovers ПолучитьПоследнее GetLast ПолучитьПервое GetFirst
    Форма Form Макет Template МодульОбъекта ObjectModule МодульМенеджера ManagerModule
    МодульНабораЗаписей RecordSetModule ТочкаМаршрута RoutePoint
"""
PLATFORM_NAMES = frozenset(map(fold, _NAMES.split()))
