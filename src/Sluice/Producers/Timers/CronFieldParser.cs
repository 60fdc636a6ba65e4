namespace Sluice.Producers;

/// <summary>Parses one field of a cron expression: a list of values, ranges, steps, and days that depend on the month.</summary>
/// <param name="expression">The whole expression, for errors.</param>
/// <param name="kind">The kind of the field.</param>
/// <param name="start">The start of the field in the expression, for errors.</param>
/// <param name="field">The text of the field.</param>
internal sealed class CronFieldParser(string expression, CronFieldKind kind, int start, string field)
{
    private readonly List<CronDay> days = [];
    private ulong bits;
    private int position; // position in the field of the list item that is being read

    internal CronField Parse()
    {
        foreach (var item in field.Split(','))
        {
            if (item.Length == 0) throw Error("has an empty item in its list");
            if (!ReadDay(item)) ReadValues(item);
            position += item.Length + 1;
        }

        return new(bits, field[0] is '*' or '?', days);
    }

    // A value, a range or *, with or without a step.
    private void ReadValues(string item)
    {
        var slash = item.IndexOf('/', StringComparison.Ordinal);
        var step = 1;
        if (slash >= 0)
        {
            step = Number(item[(slash + 1)..], slash + 1, $"a step, 1-{kind.Count}");
            if (step < 1 || step > kind.Count) throw Error($"has the step {step}; a step is 1-{kind.Count}", slash + 1);
        }

        var values = slash < 0 ? item : item[..slash];
        var dash = values.IndexOf('-', StringComparison.Ordinal);
        if (values == "*" || (values == "?" && kind.IsDays && field.Length == 1))
            Add(kind.Min, kind.Min + kind.Count - 1, step);
        else if (dash >= 0)
            Add(Value(values[..dash], 0), Value(values[(dash + 1)..], dash + 1), step);
        else
            Add(Value(values, 0), slash < 0 ? null : kind.Min + kind.Count - 1, step);
    }

    private void Add(int first, int? last, int step)
    {
        // Values wrap around: 22-2 are 22, 23, 0, 1, 2. Sunday may be written 7, and 0-7 is the whole week.
        var count = kind.Count;
        var offset = first - kind.Min;
        var length = last is not { } end ? 0
            : first <= end ? Math.Min(end - first, count - 1)
            : (((end - first) % count) + count) % count;
        for (var i = 0; i <= length; i += step) bits |= 1UL << (((offset + i) % count) + kind.Min);
    }

    private bool ReadDay(string item)
    {
        if (!kind.IsDays) return false;
        return ReferenceEquals(kind, CronFieldKind.Day) ? ReadMonthDay(item.ToUpperInvariant()) : ReadWeekday(item.ToUpperInvariant());
    }

    private bool ReadMonthDay(string item)
    {
        if (item is "L") days.Add(new(CronDayKind.FromLast, 0));
        else if (item is "LW") days.Add(new(CronDayKind.LastWorkingDay, 0));
        else if (item.StartsWith("L-", StringComparison.Ordinal)) days.Add(new(CronDayKind.FromLast, Between(item[2..], 2, 1, 30)));
        else if (item.EndsWith('W')) days.Add(new(CronDayKind.NearestWorkingDay, Value(item[..^1], 0)));
        else return false;
        return true;
    }

    private bool ReadWeekday(string item)
    {
        var hash = item.IndexOf('#', StringComparison.Ordinal);
        if (hash >= 0)
            days.Add(new(CronDayKind.NthWeekday, Value(item[..hash], 0) % 7, Between(item[(hash + 1)..], hash + 1, 1, 5)));
        else if (item.Length > 1 && item.EndsWith('L'))
            days.Add(new(CronDayKind.LastWeekday, Value(item[..^1], 0) % 7));
        else
            return false;
        return true;
    }

    private int Value(string text, int at)
    {
        var name = Array.FindIndex(kind.Names, each => each.Equals(text, StringComparison.OrdinalIgnoreCase));
        if (name >= 0) return name + kind.Min;
        var value = Number(text, at, "a value");
        return value >= kind.Min && value <= kind.Max ? value : throw Error($"has the value {text}, which is out of range", at);
    }

    private int Between(string text, int at, int min, int max)
    {
        var value = Number(text, at, $"a number, {min}-{max}");
        return value >= min && value <= max ? value : throw Error($"has the number {text}, where {min}-{max} is allowed", at);
    }

    private int Number(string text, int at, string what)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Error(text.Length == 0 ? $"lacks {what}" : $"has \"{text}\" in the place of {what}", at);

    private FormatException Error(string problem, int at = 0)
        => new($"The {kind.Name} field \"{field}\" of the cron expression \"{expression}\" {problem} "
            + $"(at character {start + position + at + 1}). Allowed: {kind.Allowed}.");
}
