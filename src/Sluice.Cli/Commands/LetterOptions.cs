using System.Globalization;

namespace Sluice.Cli.Commands;

/// <summary>The options that select dead letters.</summary>
internal static class LetterOptions
{
    // "1.5" without a unit, or "2/3", must not be taken for a day of this year: what was discarded does not come back.
    private static readonly string[] Times =
    [
        "yyyy-MM-dd",
        "yyyy-MM-ddTHH:mmK", "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK",
        "yyyy-MM-dd HH:mmK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    ];

    public static Option<string> Node { get; } = new("--node")
    {
        HelpName = "NODE",
        Description = "Only letters that failed in this node."
    };

    public static Option<string> Error { get; } = new("--error")
    {
        HelpName = "TEXT",
        Description = "Only letters whose error contains the text."
    };

    public static Option<string> Since { get; } = new("--since")
    {
        HelpName = "TIME",
        Description = "Only letters that failed since then: 30m, 2h, 7d, or a time such as 2026-11-23T14:00Z."
    };

    public static async Task<DeadLetterFilter> FilterAsync(CommandRun command, IStreamStore store) => new()
    {
        Node = command.Value(Node),
        Error = command.Value(Error),
        Since = command.Value(Since) is { } since
            ? Read(since, await store.GetTimeAsync(command.Cancellation)) : null,
    };

    /// <summary>Whether the command line selects letters by their properties.</summary>
    public static bool AreGiven(CommandRun command)
        => command.Value(Node) is not null || command.Value(Error) is not null || command.Value(Since) is not null;

    private static DateTimeOffset Read(string text, DateTimeOffset now)
    {
        if (text.Length > 1 && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture, out double count) && count is >= 0 and < 1e6)
            switch (text[^1])
            {
                case 's': return now - TimeSpan.FromSeconds(count);
                case 'm': return now - TimeSpan.FromMinutes(count);
                case 'h': return now - TimeSpan.FromHours(count);
                case 'd' when count < 36_500: return now - TimeSpan.FromDays(count);
            }
        return DateTimeOffset.TryParseExact(text, Times, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal,
            out DateTimeOffset time)
            ? time
            : throw CommandException.Usage($"--since is 30m, 2h, 7d, or a time such as 2026-11-23T14:00Z, not '{text}'.");
    }
}
