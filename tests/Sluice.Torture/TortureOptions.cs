using System.Globalization;

namespace Sluice.Torture;

/// <summary>The command line, understood.</summary>
internal sealed record TortureOptions
{
    public const string Usage =
        "usage: Sluice.Torture --store sqlite|memory --kills N --seed S [--items M] [--break settle-early|drop-commit] [--jobs J] [--case C] [--sweep] [--keep]";

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

    /// <summary>Whether each life is killed at the next place of its calls to the store: before, inside of and after the first, the second, the third…</summary>
    public bool IsSweep { get; init; }

    /// <summary>Whether directories of good cases are kept as well.</summary>
    public bool Keeps { get; init; }

    /// <summary>In a child: the directory, the number of its life, the kills of the case, the numbers it sends.</summary>
    public (string Directory, int Life, int Kills, long First, int Count)? Life { get; init; }

    /// <summary>How the program is called for a life.</summary>
    public string[] Child(int @case, string directory, int life, int kills, (long First, int Count) numbers) => [.. new object[]
    {
        "--store", Store, "--seed", Seed, "--items", Items, "--break", NameOf(Breakage), "--case", @case, IsSweep ? "--sweep" : "--keep", "--life", directory, life, kills, numbers.First, numbers.Count,
    }.Select(word => Convert.ToString(word, CultureInfo.InvariantCulture)!)];

    /// <exception cref="FormatException">It cannot be understood; says why.</exception>
    public static TortureOptions Parse(string[] args)
    {
        var options = new TortureOptions();
        for (var i = 0; i < args.Length; i++)
        {
            string name = args[i];
            options = name switch
            {
                "--store" => options with { Store = Word() is "sqlite" or "memory" ? args[i] : throw new FormatException("--store takes sqlite or memory") },
                "--kills" => options with { Kills = (int)Number(1, 1_000_000) },
                "--seed" => options with { Seed = (ulong)Number(0, long.MaxValue) },
                "--items" => options with { Items = (int)Number(1, 1_000_000) },
                "--jobs" => options with { Jobs = (int)Number(1, 64) },
                "--case" => options with { OnlyCase = (int)Number(0, int.MaxValue) },
                "--sweep" => options with { IsSweep = true },
                "--keep" => options with { Keeps = true },
                "--break" => options with { Breakage = BreakageOf(Word()) },
                "--life" => options with { Life = (Word(), (int)Number(1, int.MaxValue), (int)Number(0, int.MaxValue), Number(0, long.MaxValue), (int)Number(0, int.MaxValue)) },
                _ => throw new FormatException($"unknown option '{name}'"),
            };

            string Word() => ++i < args.Length ? args[i] : throw new FormatException($"{name} takes a value");

            long Number(long least, long most) => long.TryParse(Word(), NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= least && number <= most
                ? number
                : throw new FormatException($"{name} takes a number from {least} to {most}");
        }
        return options;
    }

    private static Breakage BreakageOf(string word) => word switch
    {
        "none" => Breakage.None,
        "settle-early" => Breakage.SettleEarly,
        "drop-commit" => Breakage.DropCommit,
        _ => throw new FormatException("--break takes settle-early or drop-commit"),
    };

    private static string NameOf(Breakage breakage) => breakage switch
    {
        Breakage.SettleEarly => "settle-early",
        Breakage.DropCommit => "drop-commit",
        _ => "none",
    };
}
