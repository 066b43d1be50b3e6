use comanda_domain::Money;

/// An amount as a mail shows it.
pub(crate) fn format_money(money: Money) -> String {
    let (digits, currency) = (money.currency().minor_digits(), money.currency());
    let unit = 10_i64.pow(digits);
    match digits {
        0 => format!("{} {currency}", money.amount()),
        _ => {
            let (whole, part) = (money.amount() / unit, money.amount() % unit);
            format!("{whole}.{part:0width$} {currency}", width = digits as usize)
        }
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::Currency;

    use super::*;

    #[test]
    fn money_has_as_many_decimals_as_its_currency() {
        assert_eq!(format_money(Money::new(1205, Currency::EUR)), "12.05 EUR");
        assert_eq!(format_money(Money::new(1205, "JPY".parse().unwrap())), "1205 JPY");
    }
}
