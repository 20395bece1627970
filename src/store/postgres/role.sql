-- The role of the nodes. It reads and writes rows and can do nothing else: no tables made,
-- changed or emptied, and the one row of `head` neither added nor removed. Grant it to the
-- role that each node logs in as. Run this after the schema, as one who may make roles; if
-- the cluster has the role already, leave the first statement out.
CREATE ROLE tallystick_node;
GRANT USAGE ON SCHEMA tallystick TO tallystick_node;
GRANT SELECT, UPDATE ON tallystick.head TO tallystick_node;
GRANT SELECT, INSERT, UPDATE ON tallystick.node TO tallystick_node;
GRANT SELECT, INSERT, DELETE ON tallystick.journal TO tallystick_node;
GRANT SELECT, INSERT, UPDATE ON tallystick.token TO tallystick_node;
GRANT SELECT, INSERT, UPDATE, DELETE ON tallystick.record TO tallystick_node;
GRANT SELECT, INSERT, UPDATE ON tallystick.page TO tallystick_node;
