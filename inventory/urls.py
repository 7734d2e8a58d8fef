from django.urls import path

from inventory.views import imports, offices, sight, systems, transfers, units

app_name = "inventory"
urlpatterns = [
    path("units/", units.unit_list, name="unit_list"),
    path("units/new/", units.create, name="unit_create"),
    path("units/import/", imports.upload, name="unit_import"),
    path("units/import/template.xlsx", imports.template, name="import_template"),
    path("units/import/<int:batch_id>/", imports.preview, name="import_preview"),
    path("units/import/<int:batch_id>/confirm/", imports.confirm, name="import_confirm"),
    path("units/import/<int:batch_id>/discard/", imports.discard, name="import_discard"),
    path("units/<int:unit_id>/", units.detail, name="unit_detail"),
    path("units/<int:unit_id>/edit/", units.edit, name="unit_edit"),
    path("units/<int:unit_id>/transfer/", transfers.transfer, name="unit_transfer"),
    path("units/<int:unit_id>/access/", sight.access, name="unit_access"),
    path("units/<int:unit_id>/delegations/new/", sight.delegate, name="delegation_create"),
    path("units/<int:unit_id>/superior/", sight.superior, name="unit_superior"),
    path("delegations/<int:delegation_id>/end/", sight.end, name="delegation_end"),
    path("transfers/", transfers.transfer_list, name="transfer_list"),
    path("transfers/<int:transfer_id>/", transfers.transfer_detail, name="transfer_detail"),
    path("transfers/<int:transfer_id>/accept/", transfers.accept, name="transfer_accept"),
    path("transfers/<int:transfer_id>/decline/", transfers.decline, name="transfer_decline"),
    path("transfers/<int:transfer_id>/withdraw/", transfers.withdraw, name="transfer_withdraw"),
    path("units/<int:unit_id>/systems/new/", systems.create, name="system_create"),
    path("systems/", units.system_list, name="system_list"),
    path("systems/<int:system_id>/", systems.detail, name="system_detail"),
    path("systems/<int:system_id>/edit/", systems.edit, name="system_edit"),
    path("systems/<int:system_id>/retire/", systems.retire, name="system_retire"),
    path("offices/", offices.office_list, name="office_list"),
    path("offices/new/", offices.create, name="office_create"),
    path("offices/<int:office_id>/edit/", offices.edit, name="office_edit"),
    path("offices/<int:office_id>/retire/", offices.retire, name="office_retire"),
    path("offices/<int:office_id>/restore/", offices.restore, name="office_restore"),
    path("regions/", units.region_picker, name="region_picker"),
]
