DROP TRIGGER supplies_in_use_stay ON supplies;
DROP FUNCTION refuse_to_archive_supply_in_use();
