"""An SNS stand-in: its own key, its own certificate, SNS's manners, and made-up SES traffic. It never talks to AWS."""
