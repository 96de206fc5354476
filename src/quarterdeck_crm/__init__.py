"""The CRM: accounts, orders, goods and team, built on the rooms of the kit."""
