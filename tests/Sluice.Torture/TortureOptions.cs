using System.Globalization;
using System.Text.Json;

namespace Sluice.Torture;

/// <summary>What a child is to do: one life of a case.</summary>
internal sealed record ChildOptions(string Directory, int Case, int Life, LifePlan Plan, long First, int Count, string? Server)
{
    public (long First, int Count) Numbers => (First, Count);
}

/// <summary>The command line, understood.</summary>
internal sealed record TortureOptions
{
    public const string Usage =
        "usage: --store sqlite|redis|postgres|memory --kills N --seed S [--items M] [--break settle-early|drop-commit|give-up] "
        + "[--jobs J] [--case C] [--sweep] [--troubles] [--server disk|pair] [--keep]";

    public string Store { get; init; } = "memory";
    public int Kills { get; init; } = 50;
    public ulong Seed { get; init; } = 1;

    /// <summary>How many items a case has, besides those of a producer that resumes.</summary>
    public int Items { get; init; } = 600;

    public Breakage Breakage { get; init; }

    /// <summary>How many cases run side by side.</summary>
    public int Jobs { get; init; } = 2;

    /// <summary>The one case that is run, to repeat a failure.</summary>
    public int? OnlyCase { get; init; }

    /// <summary>Whether one life is killed at every place of its calls to the store, or at so many as there are kills.</summary>
    public bool IsSweep { get; init; }

    /// <summary>Whether clocks are off, stores freeze, versions change, calls overlap, members have no names, and state cannot be written,
    /// each by chance.</summary>
    public bool HasTroubles { get; init; }

    /// <summary>
    /// With PostgreSQL: <c>disk</c> for a server whose disk is filled and freed instead of being frozen, <c>pair</c> for one that is
    /// followed by its standby when it is killed; null for an ordinary server.
    /// </summary>
    public string? ServerKind { get; init; }

    /// <summary>Whether directories of good cases are kept as well.</summary>
    public bool Keeps { get; init; }

    public ChildOptions? Child { get; init; }

    /// <summary>For how long a life may write nothing into its journal. A store that is broken on purpose may well keep a life from ever
    /// ending.</summary>
    public TimeSpan LongestStandstill => TimeSpan.FromSeconds(Breakage == Breakage.None ? 60 : 8);

    /// <summary>How the program is called for a life.</summary>
    public string[] CallChild(ChildOptions child)
        => ["--store", Store, "--seed", Text(Seed), "--items", Text(Items), .. IsSweep ? ["--sweep"] : BreakWords, .. TroubleWords,
        "--child", JsonSerializer.Serialize(child)];

    /// <exception cref="FormatException">It cannot be understood; says why.</exception>
    public static TortureOptions Parse(string[] args)
    {
        var options = new TortureOptions();
        for (var i = 0; i < args.Length; i++)
        {
            string name = args[i];
            options = name switch
            {
                "--store" => options with
                {
                    Store = Word() is "sqlite" or "redis" or "postgres" or "memory" ? args[i]
                    : throw new FormatException("--store takes sqlite, redis, postgres or memory")
                },
                "--kills" => options with { Kills = (int)Number(1, 1_000_000) },
                "--seed" => options with { Seed = Number(0, ulong.MaxValue) },
                "--items" => options with { Items = (int)Number(1, 1_000_000) },
                "--jobs" => options with { Jobs = (int)Number(1, 64) },
                "--case" => options with { OnlyCase = (int)Number(0, int.MaxValue) },
                "--sweep" => options with { IsSweep = true },
                "--troubles" => options with { HasTroubles = true },
                "--server" => options with
                {
                    ServerKind = Word() is ServerHandle.Disk or ServerHandle.Pair ? args[i]
                    : throw new FormatException("--server takes disk or pair")
                },
                "--keep" => options with { Keeps = true },
                "--break" => options with { Breakage = BreakageOf(Word()) },
                "--child" => options with { Child = JsonSerializer.Deserialize<ChildOptions>(Word()) },
                _ => throw new FormatException($"unknown option '{name}'"),
            };

            string Word() => ++i < args.Length ? args[i] : throw new FormatException($"{name} takes a value");

            ulong Number(ulong least, ulong most)
                => ulong.TryParse(Word(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) && number >= least
                && number <= most
                    ? number
                    : throw new FormatException($"{name} takes a whole number from {least} to {most}, not '{args[i]}'");
        }
        if (options is { IsSweep: true, Store: not "sqlite" })
            throw new FormatException("--sweep needs --store sqlite: only there is a process killed inside of a transaction");
        if (options is { ServerKind: not null, Store: not "postgres" }) throw new FormatException("--server needs --store postgres");
        return options;
    }

    public override string ToString()
        => string.Join(' ', (string[])["--store", Store, "--kills", Text(Kills), "--seed", Text(Seed), "--items", Text(Items),
        .. BreakWords, .. TroubleWords, .. ServerKind is { } kind ? ["--server", kind] : Array.Empty<string>(),
        .. OnlyCase is { } only ? ["--case", Text(only)] : Array.Empty<string>()]);

    private string[] TroubleWords => HasTroubles ? ["--troubles"] : [];

    private string[] BreakWords => Breakage switch
    {
        Breakage.SettleEarly => ["--break", "settle-early"],
        Breakage.DropCommit => ["--break", "drop-commit"],
        Breakage.GiveUp => ["--break", "give-up"],
        _ => [],
    };

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    private static Breakage BreakageOf(string word) => word switch
    {
        "settle-early" => Breakage.SettleEarly,
        "drop-commit" => Breakage.DropCommit,
        "give-up" => Breakage.GiveUp,
        _ => throw new FormatException("--break takes settle-early, drop-commit or give-up"),
    };
}
