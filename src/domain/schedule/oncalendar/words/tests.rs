use super::*;
use crate::domain::schedule::oncalendar::parse;

#[test]
fn expressions_are_told_in_words() {
    for (text, words) in [
        // Times of day.
        ("daily", "at 00:00 every day"),
        ("03:00", "at 03:00 every day"),
        ("3:0:5", "at 03:00:05 every day"),
        ("3:0:1.5", "at 03:00:01.5 every day"),
        ("23:59:59.999999", "at 23:59:59.999999 every day"),
        ("3,15:00", "at 03:00 and 15:00 every day"),
        ("12:0,30", "at 12:00 and 12:30 every day"),
        ("0/6:00", "at 00:00, 06:00, 12:00 and 18:00 every day"),
        // What a repetition reaches beyond the end of a month is kept.
        ("0/5:00", {
            "at 00:00, 05:00, 10:00, 15:00 and 20:00 every day, on the 1st from 05:00 on"
        }),
        ("Mon..Fri 0/9:0", {
            "at 00:00, 09:00 and 18:00 on weekdays, on a 1st after such a day from 09:00 on"
        }),
        ("0/9,23:0", "at 00:00, 09:00, 18:00 and 23:00 every day"),
        ("5/7:0", "at 05:00, 12:00 and 19:00 every day"),
        ("*-*-1 0/9:0", "at 00:00, 09:00 and 18:00 on the 1st of every month"),
        // Times that recur.
        ("minutely", "every minute"),
        ("hourly", "every hour"),
        ("*:*:*", "every second"),
        ("*:*:0/15", "every 15 seconds"),
        ("*:*:0/0.25", "every 0.25 seconds of every minute"),
        ("12:0:1.5..9.5", "every second from second 1.5 to 9.5 of minute 0 of hour 12"),
        ("*:*:30", "at second 30 of every minute"),
        ("*:*:5,10", "at seconds 5 and 10 of every minute"),
        ("*:0/5:30", "at second 30 of every 5th minute of every hour"),
        ("*:0/5", "every 5 minutes"),
        ("*:0/30", "every 30 minutes"),
        ("*:2/5", "every 5 minutes from minute 2 to 57 of every hour"),
        ("*:30", "at minute 30 of every hour"),
        ("*:5,35", "at minutes 5 and 35 of every hour"),
        ("*:10..13", "at minutes 10 to 13 of every hour"),
        ("*:10..20", "every minute from minute 10 to 20 of every hour"),
        ("0/2:00", "every 2 hours"),
        ("0/2:30", "every 2 hours from 00:30 to 22:30"),
        ("9..17:00", "every hour from 09:00 to 17:00"),
        ("9..17:0/15", "every 15 minutes from 09:00 to 17:45"),
        ("9:0/5", "every 5 minutes from 09:00 to 09:55"),
        ("9..17:*:*", "every second from 09:00 to 17:59:59"),
        ("0/2:0/15", "every 15 minutes of every 2nd hour"),
        ("3,7:0/15", "every 15 minutes of hours 3 and 7"),
        ("12..14:10,20,30", "at minutes 10, 20 and 30 of hours 12 to 14"),
        ("1,2,4,8,12,16,20:0", "at 01:00, 02:00, 04:00, 08:00, 12:00, 16:00 and 20:00"),
        // Days of the week.
        ("Mon..Fri 03:00", "at 03:00 on weekdays"),
        ("Sat,Sun 12:00", "at 12:00 on weekends"),
        ("weekly", "at 00:00 on Monday"),
        ("Mon,Fri 12:00", "at 12:00 on Monday and Friday"),
        ("Tue..Thu 12:00", "at 12:00 from Tuesday to Thursday"),
        ("Mon..Wed,Sat 12:00", "at 12:00 on Monday to Wednesday and Saturday"),
        ("Mon..Fri *:0/10", "every 10 minutes on weekdays"),
        ("Mon *-1-*", "at 00:00 on Monday in January"),
        // Days of the month.
        ("monthly", "at 00:00 on the 1st of every month"),
        ("*-*-1,15 4:00", "at 04:00 on the 1st and 15th of every month"),
        ("*-*-1..7,15", "at 00:00 on the 1st to 7th and 15th of every month"),
        ("*-*-1..10", "at 00:00 from the 1st to the 10th of every month"),
        ("*-*-1/2", "at 00:00 every 2nd day from the 1st to the 31st of every month"),
        ("*-*~1", "at 00:00 on the last day of every month"),
        ("*-02~03", "at 00:00 on the 3rd last day of February"),
        ("*-*~1,3", "at 00:00 on the last and 3rd last day of every month"),
        ("*-*~5/1", "at 00:00 on the last 5 days of every month"),
        ("Mon *-05~07/1", "at 00:00 on the last Monday of May"),
        ("Tue *-*-8..14", "at 00:00 on the 2nd Tuesday of every month"),
        ("Fri *-*-13", "at 00:00 on the 13th of every month if it is a Friday"),
        ("Mon..Fri *-*-1", "at 00:00 on the 1st of every month if it is a weekday"),
        ("Sat,Sun *-*~1", "at 00:00 on the last day of every month if it is on a weekend"),
        ("Mon,Thu *-*-2", "at 00:00 on the 2nd of every month if it is a Monday or Thursday"),
        // Months and years.
        ("yearly", "at 00:00 on the 1st of January"),
        ("quarterly", "at 00:00 on the 1st of January, April, July and October"),
        ("*-6..8-* 12:00", "at 12:00 every day in June to August"),
        ("2026-*-* 12:00", "at 12:00 every day in 2026"),
        ("2026..2028-1-1", "at 00:00 on the 1st of January from 2026 to 2028"),
        ("2026,2028-1-1", "at 00:00 on the 1st of January in 2026 and 2028"),
        ("2026/1-1-1", "at 00:00 on the 1st of January from 2026 on"),
        ("2026..2050/4-1-1", {
            "at 00:00 on the 1st of January in every 4th year from 2026 to 2050"
        }),
        ("2026-5-6 7:8", "at 07:08 on 2026-05-06"),
        ("Fri 2026-5-6 7:8", "at 07:08 on 2026-05-06 if it is a Friday"),
        ("@1767225600", "at 00:00 on 2026-01-01"),
        // Zones are told elsewhere.
        ("Mon..Fri 03:00 Europe/Budapest", "at 03:00 on weekdays"),
        ("hourly Asia/Calcutta", "every hour"),
    ] {
        assert_eq!(of(&parse::expression(text).unwrap()), words, "{text}");
    }
}
