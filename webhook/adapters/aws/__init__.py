"""What is asked of AWS beside SES: queues, topics, rules, figures."""
