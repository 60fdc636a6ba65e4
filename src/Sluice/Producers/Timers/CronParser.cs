namespace Sluice.Producers;

/// <summary>Splits a cron expression into its six fields.</summary>
internal static class CronParser
{
    private static readonly Dictionary<string, string> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["@yearly"] = "0 0 1 1 *",
        ["@annually"] = "0 0 1 1 *",
        ["@monthly"] = "0 0 1 * *",
        ["@weekly"] = "0 0 * * 0",
        ["@daily"] = "0 0 * * *",
        ["@midnight"] = "0 0 * * *",
        ["@hourly"] = "0 * * * *",
    };

    /// <summary>Parses the six fields, from second to day of week. In an expression of five fields the second is 0.</summary>
    internal static CronField[] Parse(string expression)
    {
        if (expression.AsSpan().Trim() is ['@', ..])
            return Parse(Names.GetValueOrDefault(expression.Trim()) ?? throw new FormatException(
                $"The cron expression \"{expression}\" is not one of the names {string.Join(", ", Names.Keys)}."));

        var parts = Split(expression);
        if (parts.Count is not (5 or 6))
            throw new FormatException($"The cron expression \"{expression}\" has {parts.Count} fields, but 5 are needed (minute, hour, "
                + "day of month, month, day of week), or 6 with the second first.");

        var fields = new CronField[6];
        var missing = 6 - parts.Count;
        if (missing == 1) fields[0] = new(1, false, []);
        for (var i = missing; i < 6; i++)
        {
            var (start, text) = parts[i - missing];
            fields[i] = new CronFieldParser(expression, CronFieldKind.All[i], start, text).Parse();
        }

        return fields;
    }

    private static List<(int Start, string Text)> Split(string expression)
    {
        var parts = new List<(int, string)>();
        var start = -1;
        for (var i = 0; i <= expression.Length; i++)
        {
            var isSpace = i == expression.Length || char.IsWhiteSpace(expression[i]);
            if (!isSpace && start < 0) start = i;
            if (!isSpace || start < 0) continue;
            parts.Add((start, expression[start..i]));
            start = -1;
        }

        return parts;
    }
}
