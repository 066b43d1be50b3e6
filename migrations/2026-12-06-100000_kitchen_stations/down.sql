DROP TABLE kitchen_station_categories;
DROP TABLE kitchen_stations;
