using System.Globalization;

namespace Airports.Durable;

/// <summary>What <c>--store</c> and the options that go with it ask for.</summary>
/// <param name="Path">Full path of the store.</param>
/// <param name="FailEvery">Every how manieth pair fails at its first attempt; null for none.</param>
/// <param name="Poison">The code whose pairs always fail; null for none.</param>
/// <param name="ExitOn">The code at which the process kills itself; null for none.</param>
/// <param name="Dead">Whether to list the dead letters, and do nothing else.</param>
/// <param name="Redrive">Whether to process the dead letters again.</param>
internal sealed record StoreOptions(string Path, int? FailEvery, string? Poison, string? ExitOn, bool Dead, bool Redrive)
{
    private const string Sqlite = "sqlite:";

    /// <summary>Reads the values of the options; null without <c>--store</c>.</summary>
    /// <exception cref="UserMistake">One is malformed, or they do not go together.</exception>
    public static StoreOptions? Parse(string? store, string? failEvery, string? poison, string? exitOn, bool dead, bool redrive)
    {
        (string Name, bool IsGiven)[] others =
        [
            ("--fail-every", failEvery is not null), ("--poison", poison is not null), ("--exit-on", exitOn is not null), ("--dead", dead),
                ("--redrive", redrive),
        ];
        if (store is null)
        {
            return others.FirstOrDefault(option => option.IsGiven) is (not null, _) needy
                ? throw new UserMistake($"{needy.Name} needs --store sqlite:FILE.")
                : null;
        }

        if (dead && others.FirstOrDefault(option => option.IsGiven && option.Name != "--dead") is (not null, _) other)
            throw new UserMistake($"--dead only lists the dead letters: leave out {other.Name}.");
        if (!store.StartsWith(Sqlite, StringComparison.Ordinal) || store.Length == Sqlite.Length)
            throw new UserMistake($"--store must be sqlite:FILE, not \"{store}\".");
        var path = System.IO.Path.GetFullPath(store[Sqlite.Length..]);
        if (Directory.Exists(path)) throw new UserMistake($"--store {path} is a directory: name a file.");
        return new StoreOptions(path, CountFor(failEvery), poison, exitOn, dead, redrive);
    }

    /// <summary>Looks whether the codes are among the airports.</summary>
    /// <exception cref="UserMistake">One is not.</exception>
    public void Check(Airport[] airports)
    {
        Check("--poison", Poison, airports);
        Check("--exit-on", ExitOn, airports);
    }

    private static void Check(string option, string? code, Airport[] airports)
    {
        if (code is not null && !airports.Any(airport => airport.Code.Equals(code, StringComparison.OrdinalIgnoreCase)))
            throw new UserMistake($"{option} {code}: there is no such code among the {airports.Length} airports selected.");
    }

    private static int? CountFor(string? text)
    {
        if (text is null) return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= 1
            ? count
            : throw new UserMistake($"--fail-every must be a whole number of at least 1, not \"{text}\".");
    }
}
