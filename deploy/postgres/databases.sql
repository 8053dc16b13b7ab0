-- One database per service: none can read another's store.
CREATE DATABASE court_bridge;
CREATE DATABASE police_bridge;
CREATE DATABASE petition_bridge;
CREATE DATABASE intake;
CREATE DATABASE stats;
