"""What is special to Salesforce: its code."""
